package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.KtoObjective;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.RankingObjective;
import dev.flywheel.trainer.objective.ScoredAnswer;
import dev.flywheel.trainer.objective.SftObjective;
import dev.flywheel.trainer.objective.SlateLabels;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An example ready for the device: its rows, and its loss over the targets' log-probabilities.
 *
 * <p>The loss is the example's own mean; weight and sampling rate come in when examples are
 * averaged.
 */
sealed interface PreparedExample {
    Example example();

    /** Rows, targets, and the leash rows: those that predict a target. */
    PackedBatch batch();

    /** Returns the loss and dL/dlogp for each target. */
    Loss loss(double[] logProbs, References references);

    /** Returns weight / sampling rate: how many such examples this one stands for. */
    default double influence() {
        return example().getWeight() / example().getSamplingRate();
    }

    /** A slate with what was chosen, passed over or rejected in it. */
    record Slate(Example example, PackedBatch batch, OptionTerms terms, SlateLabels labels)
            implements
                PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            Loss loss = RankingObjective.DEFAULT.loss(terms.scores(logProbs), labels);
            return new Loss(loss.value(), terms.toTargets(loss.gradient()));
        }
    }

    /** A text to imitate; the loss is per token. */
    record Text(Example example, PackedBatch batch) implements PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            double[] even = new double[logProbs.length];
            Arrays.fill(even, 1);
            return SftObjective.loss(logProbs, even);
        }
    }

    /**
     * An answer that was found good or bad; the loss is of its whole probability, against the base's.
     *
     * @param mismatch another answer of the round after this one's prompt, for the reference point;
     *     null if there is none that fits
     */
    record Answer(
            Example example,
            PackedBatch batch,
            boolean good,
            KtoObjective objective,
            @Nullable PackedBatch mismatch)
            implements
                PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            ScoredAnswer scored =
                    new ScoredAnswer(
                            Arrays.stream(logProbs).sum(), references.base(this), good, 1);
            Loss loss = objective.loss(List.of(scored), references.point());
            double[] gradient = new double[logProbs.length];
            Arrays.fill(gradient, loss.gradient()[0]);
            return new Loss(loss.value(), gradient);
        }
    }
}
