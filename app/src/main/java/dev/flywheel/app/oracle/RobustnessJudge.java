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
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
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
    private static final String TOLERANCE = "logits_max_abs";

    private final Bases bases;
    private final LongSupplier nanoTime;

    RobustnessJudge(Bases bases, LongSupplier nanoTime) {
        this.bases = bases;
        this.nanoTime = nanoTime;
    }

    /**
     * What a case was loaded into.
     *
     * @param close gives up what was loaded for this case alone
     */
    private record Loaded(BaseModel model, @Nullable LoraWeights adapter, Runnable close) {
        ForwardSession session() {
            return new ForwardSession(model, adapter);
        }
    }

    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        AtomicReference<@Nullable Loaded> loaded = new AtomicReference<>();
        Runnable loading = at.manifest().has("adapter_dir") ? adapter(at, loaded::set)
                : model(at, loaded::set);
        try {
            BoundedLoad load = BoundedLoad.run(loading, SECONDS_MAX, nanoTime);
            judge(at, load, loaded.get(), findings, actual);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a case was loading", e);
        } finally {
            @Nullable Loaded done = loaded.get();
            if (done != null) {
                done.close().run();
            }
        }
    }

    private Runnable adapter(OracleCase at, Consumer<Loaded> result) {
        Path folder = at.named("adapter_dir");
        BaseModel base = bases.load(at.named("base_model")); // kept for the next case
        return () -> result.accept(
                new Loaded(
                        base, PeftFolder.read(folder, base.linearModules()).weights(), () -> {}));
    }

    private Runnable model(OracleCase at, Consumer<Loaded> result) {
        Path folder = at.named("model_dir");
        return () -> {
            BaseModel model = BaseModel.load(folder, bases.backend());
            result.accept(new Loaded(model, null, model::close));
            Tokenizer.load(folder).close();
        };
    }

    private static void judge(
            OracleCase at, BoundedLoad load, @Nullable Loaded loaded, Findings findings,
            Actual actual) {
        findings.figure("seconds", load.seconds(), SECONDS_MAX);
        if (!load.finished()) {
            actual.verdict("not answered within %.0f s".formatted(SECONDS_MAX));
            findings.problem("loading did not end in time");
            return;
        }
        findings.figure("heap_bytes", load.heapBytes(),
                BoundedLoad.heapBytesAllowed(bytesBelow(at.folder())));
        @Nullable Throwable failure = load.failure();
        actual.verdict(failure == null ? null : Refusals.words(failure));
        boolean refuses = at.expectation() == Expectation.REFUSE;
        if (failure != null && !Refusals.isRefusal(failure)) {
            findings.problem("not a documented refusal: " + Refusals.words(failure));
        } else if (failure != null) {
            findings.remark("refused: " + Refusals.line(failure));
            if (!refuses) {
                findings.problem("expected to be accepted, was refused");
            }
        } else if (refuses) {
            findings.problem("expected to be refused (%s), was accepted"
                    .formatted(at.manifest().path("why").asText()));
        } else if (loaded != null && hasResults(at)) {
            scores(at, loaded, findings, actual);
        }
    }

    /** Results are there, or ought to be by what the manifest says. */
    private static boolean hasResults(OracleCase at) {
        return at.has(GOLDEN) || at.manifest().path("files").has(GOLDEN)
                || at.manifest().path("tolerance").has(TOLERANCE);
    }

    private static void scores(OracleCase at, Loaded loaded, Findings findings, Actual actual) {
        JsonNode golden = at.json(GOLDEN);
        SafetensorsFile tensors = at.tensors("golden.safetensors");
        double worst = 0;
        double allowed = at.tolerance(TOLERANCE);
        try (ForwardSession session = loaded.session()) {
            KnownKeys.golden(golden, Set.of("prompts"), findings);
            GoldenRows rows = GoldenRows.of(golden, tensors, session.vocabSize(), findings);
            for (int i = 0; i < rows.prompts().size(); i++) {
                float[][] scores = session.scores(List.of(rows.prompts().get(i))).getFirst();
                worst = Math.max(worst, rows.worst(i, scores, tensors));
                rows.compareBest(i, scores, allowed, findings);
                rows.keep(i, scores, actual);
            }
        }
        actual.verdict(null);
        findings.figure(TOLERANCE, worst, allowed);
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
}
