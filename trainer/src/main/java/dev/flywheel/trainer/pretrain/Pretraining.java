package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.FullTraining;
import dev.flywheel.trainer.pretrain.BatchMaker.WeightedBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Makes the built-in base from nothing: learns a tokenizer, trains the model on generated texts,
 * measures it, and writes a Hugging Face folder.
 *
 * <p>Not thread-safe; the backend and the loop are the caller's.
 */
public final class Pretraining {
    private static final double GRADIENT_NORM_MAX = 1;
    private static final int REPORTS = 40;

    /** Share of the histories that the tokenizer sees: made-up titles would take tokens from words. */
    private static final double HISTORIES_READ = 0.2;

    private static final double NANOS = 1e9;

    private final PretrainSettings settings;
    private final Backend backend;
    private final DeviceLoop loop;
    private final LongSupplier nanos;
    private final Corpus corpus = new Corpus();

    /**
     * @param nanos a monotonic clock, {@code System::nanoTime} outside tests
     */
    public Pretraining(
            PretrainSettings settings, Backend backend, DeviceLoop loop, LongSupplier nanos) {
        this.settings = settings;
        this.backend = backend;
        this.loop = loop;
        this.nanos = nanos;
    }

    /**
     * Runs to the end and returns what was reached.
     *
     * @param folder created if it is missing; files of the same names are replaced
     * @param command how a person can repeat this, for the model card
     * @param progress told about every fortieth part of the way
     */
    public PretrainReport run(Path folder, String command, Consumer<PretrainProgress> progress)
            throws IOException {
        SeededRandom root = new SeededRandom(settings.seed());
        vocabulary(root.split("tokenizer")).write(folder, settings.spec().positionsMax());
        List<PretrainReport.LossPoint> losses = new ArrayList<>();
        PretrainProgress last;
        long parameters;
        try (Tokenizer tokenizer = Tokenizer.load(folder);
                FullTraining training =
                        FullTraining.from(
                                settings.spec(),
                                FreshWeights.draw(settings.spec(), root.split("weights")),
                                backend,
                                loop,
                                settings.stepTokens())) {
            last = train(training, tokenizer, root, losses, progress);
            parameters = training.parameterCount();
            training.save(folder);
        }
        ModelFolder.writeGenerationConfig(folder);
        Anchors.write(folder.resolve(Anchors.FILE), corpus, root.split("anchors"));
        List<Examination.Mark> marks =
                Examination.of(
                        folder, backend, corpus, root.split("exam"), settings.examDocuments());
        PretrainReport report =
                new PretrainReport(settings, parameters, command, last, losses, marks);
        ModelFolder.writeReport(folder, report);
        return report;
    }

    private BpeVocabulary vocabulary(SeededRandom random) {
        BpeTrainer trainer = new BpeTrainer();
        for (int i = 0; i < settings.tokenizerDocuments(); i++) {
            Document document = corpus.next(random);
            if (document.skill() != Skill.HISTORY || random.chance(HISTORIES_READ)) {
                trainer.add(document.text());
            }
        }
        return trainer.train(settings.size().vocabulary(), List.of(BpeVocabulary.END_OF_TEXT));
    }

    private PretrainProgress train(
            FullTraining training,
            Tokenizer tokenizer,
            SeededRandom root,
            List<PretrainReport.LossPoint> losses,
            Consumer<PretrainProgress> progress) {
        BatchMaker batches =
                new BatchMaker(corpus, tokenizer, settings.stepTokens(), settings.textWeight());
        SkillProbe probe = new SkillProbe(training, corpus, batches, root.split("probe"));
        SeededRandom random = root.split("corpus");
        int every = Math.max(1, settings.steps() / REPORTS);
        long startedAt = nanos.getAsLong();
        long tokens = 0;
        double lossSum = 0;
        int lossCount = 0;
        PretrainProgress last =
                new PretrainProgress(0, settings.steps(), 0, Double.NaN, 0, 0, Map.of());
        for (int step = 0; step < settings.steps(); step++) {
            WeightedBatch next = batches.next(random);
            FullTraining.Step done =
                    training.step(
                            next.batch(),
                            next.weights(),
                            settings.optimizer(step),
                            GRADIENT_NORM_MAX);
            tokens += next.batch().rows();
            lossSum += done.loss();
            lossCount++;
            if ((step + 1) % every == 0 || step + 1 == settings.steps()) {
                double seconds = (nanos.getAsLong() - startedAt) / NANOS;
                last =
                        new PretrainProgress(
                                step + 1,
                                settings.steps(),
                                tokens,
                                lossSum / lossCount,
                                done.gradientNorm(),
                                seconds,
                                probe.look());
                losses.add(new PretrainReport.LossPoint(step + 1, last.loss()));
                progress.accept(last);
                lossSum = 0;
                lossCount = 0;
            }
        }
        return last;
    }
}
