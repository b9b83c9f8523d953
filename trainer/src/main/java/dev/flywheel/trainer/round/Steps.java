package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.Loss;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;

/**
 * Optimizer steps of one round on one adapter.
 *
 * <p>A step's gradient is the mean over users of each user's mean over examples, of verdicts the sum
 * ({@link Averaging}), each example's gradient clipped on its own, so that no example and no user moves the
 * adapter by more than its share; with a trim share the trimmed mean over users; plus the anchors' leash. Between two examples the round can be stopped. All work on the
 * device is in slices, so that serving waits for at most one (P10).
 */
final class Steps {
    /** Every example teaches, however well it is known. */
    static final double TEACH_ALWAYS = Double.NEGATIVE_INFINITY;

    private final TrainingPass pass;
    private final TrainableAdapter adapter;
    private final RoundSettings settings;
    private final AnchorBatches anchors;
    private final References references;
    private final BooleanSupplier stopped;

    Steps(
            TrainingPass pass,
            TrainableAdapter adapter,
            RoundSettings settings,
            AnchorBatches anchors,
            References references,
            BooleanSupplier stopped) {
        this.pass = pass;
        this.adapter = adapter;
        this.settings = settings;
        this.anchors = anchors;
        this.references = references;
        this.stopped = stopped;
    }

    /**
     * What a step saw.
     *
     * @param losses of the examples before the step
     * @param gradientNorm of the step's whole gradient; 0 if there was none
     * @param moved whether a step was taken
     * @param broken indices of examples whose gradient was not finite
     * @param importance weights of the choices that were trained on
     */
    record Result(
            double[] losses,
            double gradientNorm,
            boolean moved,
            List<Integer> broken,
            double[] importance) {}

    /**
     * Takes one step over the examples whose loss is above {@code learnedAt}; none if there is no
     * such example.
     */
    Result step(List<PreparedExample> examples, double learnedAt) {
        references.update();
        pass.slice(adapter::zeroGradients);
        Averaging averaging = new Averaging(examples);
        Taught taught = new Taught(new double[examples.size()]);
        if (UserGradients.trims(settings.getTrimShare(), averaging.users())) {
            teachByUser(examples, learnedAt, averaging, taught);
        } else {
            for (int i = 0; i < examples.size(); i++) {
                PreparedExample example = examples.get(i);
                teach(example, i, learnedAt, averaging.share(example), taught);
            }
        }
        if (!taught.moved()) {
            return taught.result(0);
        }
        leashToAnchors();
        double norm = sliced(adapter::accumulatedNorm);
        pass.slice(() -> adapter.step(adamW(), 1));
        return taught.result(norm);
    }

    /** What the examples of a step have taught so far. */
    private static final class Taught {
        private final double[] losses;
        private final List<Integer> broken = new ArrayList<>();
        private final DoubleStream.Builder importance = DoubleStream.builder();
        private int examples;

        Taught(double[] losses) {
            this.losses = losses;
        }

        boolean moved() {
            return examples > 0;
        }

        Result result(double gradientNorm) {
            return new Result(
                    losses, gradientNorm, moved(), broken.stream().sorted().toList(),
                    importance.build().toArray());
        }
    }

    /** Keeps each user's gradient apart and takes their trimmed mean. */
    private void teachByUser(
            List<PreparedExample> examples, double learnedAt, Averaging averaging, Taught taught) {
        UserGradients gradients = new UserGradients(pass, adapter, settings.getTrimShare());
        for (List<Integer> ofUser : averaging.byUser(examples)) {
            int before = taught.examples;
            for (int i : ofUser) {
                PreparedExample example = examples.get(i);
                double share = averaging.share(example) * averaging.users();
                teach(example, i, learnedAt, share, taught);
            }
            if (taught.examples > before) {
                gradients.take();
            }
        }
        if (taught.moved()) {
            gradients.finish(averaging.users());
        }
    }

    /** Adds the example's clipped gradient to the step's, unless its loss is low enough already. */
    private void teach(
            PreparedExample example, int index, double learnedAt, double share, Taught taught) {
        double[] logProbs = forward(example);
        Loss loss = example.loss(logProbs, references);
        taught.losses[index] = loss.value();
        if (loss.value() <= learnedAt) {
            return;
        }
        Arrays.stream(example.importance(logProbs)).forEach(taught.importance::add);
        double norm = backward(example, loss);
        if (Double.isFinite(norm)) {
            double clipped = clip(norm, example.reach(logProbs));
            accumulate(share * example.influence() * clipped);
            taught.examples++;
        } else {
            accumulate(0);
            taught.broken.add(index);
        }
    }

    /** Returns the loss of one example as the adapter is now. */
    double loss(PreparedExample example) {
        return example.loss(forward(example), references).value();
    }

    private double[] forward(PreparedExample example) {
        if (stopped.getAsBoolean()) {
            throw new RoundStoppedException();
        }
        return pass.forward(example.batch(), adapter);
    }

    private double backward(PreparedExample example, Loss loss) {
        int leashed = example.batch().leashRows().length;
        double weight = leashed == 0 ? 0 : Leash.weight(example.example(), settings) / leashed;
        pass.backward(loss.gradient(), weight);
        return sliced(adapter::gradientNorm);
    }

    private void accumulate(double factor) {
        pass.slice(() -> adapter.accumulate(factor));
    }

    private double sliced(DoubleSupplier work) {
        double[] result = new double[1];
        pass.slice(() -> result[0] = work.getAsDouble());
        return result[0];
    }

    private double clip(double norm, double reach) {
        double bound = settings.getGradientClip() * reach;
        return bound > 0 && norm > bound ? bound / norm : 1;
    }

    /** Adds anchor_weight times the gradient of the mean KL divergence over the anchors' rows. */
    private void leashToAnchors() {
        if (settings.getAnchorWeight() <= 0) {
            return;
        }
        List<PackedBatch> drawn = anchors.next();
        int rows = drawn.stream().mapToInt(batch -> batch.leashRows().length).sum();
        for (PackedBatch batch : drawn) {
            if (stopped.getAsBoolean()) {
                throw new RoundStoppedException();
            }
            pass.forward(batch, adapter);
            pass.backward(new double[0], settings.getAnchorWeight() / rows);
            accumulate(1);
        }
    }

    private AdamW adamW() {
        return new AdamW(
                (float) settings.getLearningRate(),
                (float) settings.getBeta1(),
                (float) settings.getBeta2(),
                (float) settings.getEpsilon(),
                (float) settings.getWeightDecay());
    }
}
