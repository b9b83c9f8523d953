package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.RankingObjective;
import dev.flywheel.trainer.objective.SftObjective;
import dev.flywheel.trainer.objective.SlateLabels;
import java.util.Arrays;

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
    Loss loss(double[] logProbs);

    /** Returns weight / sampling rate: how many such examples this one stands for. */
    default double influence() {
        return example().getWeight() / example().getSamplingRate();
    }

    /** A slate with what was chosen, passed over or rejected in it. */
    record Slate(Example example, PackedBatch batch, OptionTerms terms, SlateLabels labels)
            implements
                PreparedExample {
        @Override
        public Loss loss(double[] logProbs) {
            Loss loss = RankingObjective.DEFAULT.loss(terms.scores(logProbs), labels);
            return new Loss(loss.value(), terms.toTargets(loss.gradient()));
        }
    }

    /** A text to imitate; the loss is per token. */
    record Text(Example example, PackedBatch batch) implements PreparedExample {
        @Override
        public Loss loss(double[] logProbs) {
            double[] even = new double[logProbs.length];
            Arrays.fill(even, 1);
            return SftObjective.loss(logProbs, even);
        }
    }
}
