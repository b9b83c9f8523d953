package dev.flywheel.trainer.round;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.WeightFormat;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.gate.Evidence;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The deterministic function (parent version, examples, seed, settings) to a candidate (P12).
 *
 * <p>Examples are taken in canonical order, each as a batch of its own, so that its gradient can be
 * clipped by itself and the device is given back between any two layers (P10). {@code steps} steps
 * are taken over all of them; texts to imitate repeat until they are learned. The newest candidates
 * stay on the device as a cache, which changes no bit of any result.
 *
 * <p>One thread at a time. {@link #close} frees the device memory; the base model is the caller's.
 */
public final class Round implements AutoCloseable {
    /** Rises with every change to what a round computes; part of what its digest is bound to. */
    private static final int REVISION = 7;

    /** Candidates kept on the device; more than one because adapters take turns. */
    private static final int VERSIONS_KEPT = 4;

    /** Examples whose loss is measured again after the last step; enough to see a trend. */
    private static final int LOSS_SAMPLE = 4;

    /** Roundings of the largest logit that may pile up between two probes of the same function. */
    private static final int NOISE_ULPS = 4;

    private final BaseModel base;
    private final Tokenizer tokenizer;
    private final AnchorSet anchors;
    private final RoundLimits limits;
    private final Stopwatch stopwatch;
    private final TrainingPass pass;
    private final Probing probing;
    private final DeviceVersions versions;

    public Round(
            BaseModel base,
            Tokenizer tokenizer,
            AnchorSet anchors,
            DeviceLoop loop,
            RoundLimits limits,
            Stopwatch stopwatch) {
        this.base = base;
        this.tokenizer = tokenizer;
        this.anchors = anchors;
        this.limits = limits;
        this.stopwatch = stopwatch;
        this.pass = new TrainingPass(base, loop, limits.rowsMax());
        this.probing = new Probing(base, loop, limits.rankMax());
        this.versions = new DeviceVersions(base, probing, VERSIONS_KEPT);
    }

    /** Returns everything besides the manifest that a round's digest holds for, by name. */
    public String binding() {
        return "%s round/%d rows/%d tokens/%s texts/%s%s"
                .formatted(
                        base.backend().fingerprint(),
                        REVISION,
                        limits.rowsMax(),
                        tokenizer.fingerprint(),
                        anchors.fingerprint(),
                        base.format() == WeightFormat.STORED
                                ? ""
                                : " weights/" + base.format().identity());
    }

    public String baseDigest() {
        return base.digest().hex();
    }

    /**
     * Runs a round.
     *
     * @param stopped asked between two units of work; once true, the round ends with an exception
     * @throws RoundStoppedException if it was stopped
     * @throws UnfitParentException if the parent is not for this base model or device
     */
    public RoundResult run(RoundInput input, BooleanSupplier stopped) {
        long began = stopwatch.nanos();
        DeviceVersion parent = versions.take(input.parent());
        boolean handedOn = false;
        try {
            Trained trained = train(input, parent.adapter(), stopped);
            LoraWeights weights = parent.adapter().weights();
            Probe probe = probing.of(weights);
            byte[] weightsBytes = weights.toSafetensors();
            byte[] optimizerBytes = parent.adapter().optimizerState().toSafetensors();
            Evidence evidence = evidence(weights, probe, parent.probe());
            RoundFigures figures =
                    trained.figures()
                            .setAdapterNorm(evidence.norm())
                            .setEffect(evidence.effect())
                            .setDeviceSeconds((stopwatch.nanos() - began) / 1e9)
                            .build();
            versions.keep(
                    new DeviceVersion(
                            Digest.of(weightsBytes).hex(),
                            Digest.of(optimizerBytes).hex(),
                            parent.adapter(),
                            probe));
            handedOn = true;
            return new RoundResult(
                    weightsBytes,
                    optimizerBytes,
                    probe.fingerprint().hex(),
                    evidence,
                    figures,
                    trained.untrainable());
        } finally {
            if (!handedOn) {
                parent.close();
            }
        }
    }

    @Override
    public void close() {
        versions.close();
        probing.close();
        pass.close();
    }

    private record Trained(RoundFigures.Builder figures, List<Untrainable> untrainable) {}

    private Trained train(RoundInput input, TrainableAdapter adapter, BooleanSupplier stopped) {
        RoundSettings settings = input.settings();
        RoundExamples examples = RoundExamples.prepare(input, tokenizer, limits());
        Steps steps =
                new Steps(
                        pass,
                        adapter,
                        settings,
                        new AnchorBatches(
                                anchors,
                                new SeededRandom(input.seed()).split("anchors"),
                                settings.getAnchorsPerStep(),
                                base.spec().vocabSize(),
                                limits.rowsMax()),
                        new References(pass, adapter, examples.all(), stopped),
                        stopped);
        Steps.Result first = steps.step(examples.all(), Steps.TEACH_ALWAYS);
        for (int step = 1; step < settings.getSteps(); step++) {
            steps.step(examples.all(), Steps.TEACH_ALWAYS);
        }
        imitate(steps, examples, settings);
        RoundFigures.Builder figures = examples.figures(first);
        sampleLosses(steps, examples.own(), first, figures);
        return new Trained(figures, examples.untrainable(first));
    }

    private ExamplePreparer.Limits limits() {
        ModelSpec spec = base.spec();
        return new ExamplePreparer.Limits(
                spec.vocabSize(), spec.positionsMax(), limits.rowsMax());
    }

    /** Repeats steps over the texts to imitate until the round's own are learned. */
    private static void imitate(Steps steps, RoundExamples examples, RoundSettings settings) {
        double target = settings.getSftTargetLoss();
        List<PreparedExample> texts = examples.texts();
        int own = examples.ownTexts();
        if (own == 0 || target <= 0) {
            return;
        }
        boolean left = true;
        for (int step = settings.getSteps(); left && step < settings.getSftStepsMax(); step++) {
            Steps.Result result = steps.step(texts, target);
            left = result.moved()
                    && !Arrays.stream(result.losses(), 0, own).allMatch(loss -> loss <= target);
        }
    }

    /** Fills in the mean loss of a few examples before the first and after the last step. */
    private static void sampleLosses(
            Steps steps,
            List<PreparedExample> examples,
            Steps.Result first,
            RoundFigures.Builder figures) {
        int sample = Math.min(LOSS_SAMPLE, examples.size());
        double before = 0;
        double after = 0;
        for (int i = 0; i < sample; i++) {
            before += first.losses()[i] / sample;
            after += steps.loss(examples.get(i)) / sample;
        }
        figures.setLossBefore(before).setLossAfter(after);
    }

    private Evidence evidence(LoraWeights weights, Probe probe, Probe ofParent) {
        boolean finite = weights.finite() && probe.finite();
        return new Evidence(
                finite,
                weights.norm(),
                probe.distance(ofParent),
                NOISE_ULPS * Math.ulp((float) ofParent.magnitude()),
                probe.divergenceFrom(probing.ofBase()));
    }
}
