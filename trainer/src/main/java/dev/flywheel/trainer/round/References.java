package dev.flywheel.trainer.round;

import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.KtoObjective;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the answers of a round are measured against: how probable the base finds each, and the
 * reference point, how far the adapter has moved on answers that belong to other prompts.
 *
 * <p>The reference point is that of KTO (Ethayarajh et al., arXiv:2402.01306). A round with a single
 * answer has nothing to estimate it from; at zero the loss is the unpaired form of APO-zero
 * (D'Oosterlinck et al., arXiv:2408.06266).
 *
 * <p>One thread; costs nothing in a round without such answers.
 */
final class References {
    /** Pairs that the reference point is the mean of, at most; each is a pass over the device. */
    private static final int PAIRS_MAX = 8;

    private final TrainingPass pass;
    private final TrainableAdapter adapter;
    private final BooleanSupplier stopped;
    private final Map<PreparedExample, double[]> base = new IdentityHashMap<>();
    private final List<PackedBatch> mismatches;
    private final double[] mismatchesOfBase;
    private double point;

    /** Measures the base. */
    References(
            TrainingPass pass,
            TrainableAdapter adapter,
            List<PreparedExample> examples,
            BooleanSupplier stopped) {
        this.pass = pass;
        this.adapter = adapter;
        this.stopped = stopped;
        List<PreparedExample.Answer> answers =
                examples.stream()
                        .filter(PreparedExample.Answer.class::isInstance)
                        .map(PreparedExample.Answer.class::cast)
                        .toList();
        examples.stream()
                .filter(PreparedExample.Measured.class::isInstance)
                .map(PreparedExample.Measured.class::cast)
                .forEach(each -> base.put(each, each.scores(logProbs(each.batch(), null))));
        this.mismatches =
                answers.stream()
                        .map(PreparedExample.Answer::mismatch)
                        .filter(batch -> batch != null)
                        .limit(PAIRS_MAX)
                        .toList();
        this.mismatchesOfBase =
                mismatches.stream().mapToDouble(batch -> score(batch, null)).toArray();
    }

    /** Measures the reference point for the adapter as it is now; to be called before each step. */
    void update() {
        if (!mismatches.isEmpty()) {
            double[] scores =
                    mismatches.stream().mapToDouble(batch -> score(batch, adapter)).toArray();
            point = KtoObjective.referencePoint(scores, mismatchesOfBase);
        }
    }

    /** Returns log p of each of the example's answers with the adapter off, nats. */
    double[] base(PreparedExample.Measured example) {
        double[] scores = base.get(example);
        if (scores == null) {
            throw new IllegalStateException("an answer that is not of this round");
        }
        return scores;
    }

    /** Returns the reference point, nats, at least 0. */
    double point() {
        return point;
    }

    private double score(PackedBatch batch, @Nullable TrainableAdapter scored) {
        return Arrays.stream(logProbs(batch, scored)).sum();
    }

    private double[] logProbs(PackedBatch batch, @Nullable TrainableAdapter scored) {
        if (stopped.getAsBoolean()) {
            throw new RoundStoppedException();
        }
        return pass.forward(batch, scored);
    }
}
