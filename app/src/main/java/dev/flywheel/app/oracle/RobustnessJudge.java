package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Cases of kind {@code robustness}: odd or malformed folders, loaded as serving would.
 *
 * <p>Refusing means one of the documented exceptions, in time, and with memory in proportion to the
 * files instead of to what they claim.
 */
final class RobustnessJudge implements Judge {
    private static final double SECONDS_MAX = 5;
    private static final String GOLDEN = "golden.json";

    private final Bases bases;
    private final LongSupplier nanoTime;

    RobustnessJudge(Bases bases, LongSupplier nanoTime) {
        this.bases = bases;
        this.nanoTime = nanoTime;
    }

    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        Input input = at.manifest().has("adapter_dir") ? adapter(at)
                : new ModelInput(at.named("model_dir"), bases);
        try (input) {
            BoundedLoad load = BoundedLoad.run(input::load, SECONDS_MAX, nanoTime);
            judge(at, input, load, findings, actual);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a case was loading", e);
        }
    }

    private Input adapter(OracleCase at) {
        Path folder = at.named("adapter_dir");
        return new AdapterInput(folder, bases.load(at.named("base_model")));
    }

    private static void judge(
            OracleCase at, Input input, BoundedLoad load, Findings findings, Actual actual) {
        findings.figure("seconds", load.seconds(), SECONDS_MAX);
        if (!load.finished()) {
            actual.verdict("not answered within %.0f s".formatted(SECONDS_MAX));
            findings.problem("loading did not end in time");
            return;
        }
        findings.figure("heap_bytes", load.heapBytes(),
                BoundedLoad.heapBytesAllowed(bytesBelow(at.folder())));
        @Nullable Throwable failure = load.failure();
        actual.verdict(failure == null ? null : Refusals.line(failure));
        boolean refuses = at.expectation() == Expectation.REFUSE;
        if (failure != null && !Refusals.isRefusal(failure)) {
            findings.problem("not a documented refusal: " + failure);
        } else if (failure != null) {
            findings.remark("refused: " + Refusals.line(failure));
            if (!refuses) {
                findings.problem("expected to be accepted, was refused");
            }
        } else if (refuses) {
            findings.problem("expected to be refused (%s), was accepted"
                    .formatted(at.manifest().path("why").asText()));
        } else if (at.has(GOLDEN)) {
            scores(at, input, findings, actual);
        }
    }

    private static void scores(OracleCase at, Input input, Findings findings, Actual actual) {
        JsonNode golden = at.json(GOLDEN);
        SafetensorsFile tensors = at.tensors("golden.safetensors");
        GoldenRows rows = GoldenRows.of(golden);
        double worst = 0;
        try (ForwardSession session = input.session()) {
            for (int i = 0; i < rows.prompts().size(); i++) {
                float[][] scores = session.scores(List.of(rows.prompts().get(i))).getFirst();
                worst = Math.max(worst, rows.worst(i, scores, tensors));
                rows.keep(i, scores, actual);
            }
        }
        actual.verdict(null);
        findings.figure("logits_max_abs", worst, at.tolerance("logits_max_abs"));
    }

    private static long bytesBelow(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).mapToLong(file -> {
                try {
                    return Files.size(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a case offers. */
    private interface Input extends AutoCloseable {
        /** Loads it, or throws. */
        void load();

        /** Returns what was loaded, ready to run. */
        ForwardSession session();

        @Override
        void close();
    }

    private static final class AdapterInput implements Input {
        private final Path folder;
        private final BaseModel model;
        private volatile @Nullable LoraWeights weights;

        AdapterInput(Path folder, BaseModel model) {
            this.folder = folder;
            this.model = model;
        }

        @Override
        public void load() {
            weights = PeftFolder.read(folder, model.linearModules()).weights();
        }

        @Override
        public ForwardSession session() {
            return new ForwardSession(model, weights);
        }

        @Override
        public void close() {
            // The base is kept for the next case.
        }
    }

    private static final class ModelInput implements Input {
        private final Path folder;
        private final Bases bases;
        private volatile @Nullable BaseModel model;

        ModelInput(Path folder, Bases bases) {
            this.folder = folder;
            this.bases = bases;
        }

        @Override
        public void load() {
            model = BaseModel.load(folder, bases.backend());
            Tokenizer.load(folder).close();
        }

        @Override
        public ForwardSession session() {
            BaseModel loaded = model;
            if (loaded == null) {
                throw new IllegalStateException("nothing was loaded");
            }
            return new ForwardSession(loaded, null);
        }

        @Override
        public void close() {
            BaseModel loaded = model;
            if (loaded != null) {
                loaded.close();
            }
        }
    }
}
