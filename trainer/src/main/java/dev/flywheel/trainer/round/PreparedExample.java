package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.BanditObjective;
import dev.flywheel.trainer.objective.KtoObjective;
import dev.flywheel.trainer.objective.LoggedDecision;
import dev.flywheel.trainer.objective.Loss;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.PreferenceObjective;
import dev.flywheel.trainer.objective.RankingObjective;
import dev.flywheel.trainer.objective.ScoredAnswer;
import dev.flywheel.trainer.objective.ScoredPair;
import dev.flywheel.trainer.objective.SftObjective;
import dev.flywheel.trainer.objective.SlateLabels;
import dev.flywheel.trainer.objective.VerdictObjective;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * An example ready for the device: its rows, and its loss over the targets' log-probabilities.
 *
 * <p>The loss is the example's own; weight and sampling rate come in when examples are averaged.
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

    /** Returns how much longer than others the gradient may be before it is clipped. */
    default double reach(double[] logProbs) {
        return 1;
    }

    /** Returns the importance weights of the choices in it. */
    default double[] importance(double[] logProbs) {
        return new double[0];
    }

    /** An example that is measured against the base. */
    sealed interface Measured extends PreparedExample {
        /** Returns log p of each of its answers, nats. */
        double[] scores(double[] logProbs);
    }

    /** A slate with what was chosen, passed over or rejected in it; the loss is the slate's mean. */
    record Slate(Example example, PackedBatch batch, OptionTerms terms, SlateLabels labels)
            implements
                PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            Loss loss = RankingObjective.DEFAULT.loss(terms.scores(logProbs), labels);
            return new Loss(loss.value(), terms.toTargets(loss.gradient()));
        }

        @Override
        public double[] importance(double[] logProbs) {
            return labels.importanceOfChoices();
        }
    }

    /**
     * An item that was taken or not; an example of several is so many of these.
     *
     * @param label share of the verdict that is yes
     * @param silence whether nobody said so
     */
    record Verdict(
            Example example,
            PackedBatch batch,
            OptionTerms terms,
            double label,
            boolean silence,
            VerdictObjective objective)
            implements
                PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            Loss loss = slope(logProbs);
            return new Loss(loss.value(), terms.toTargets(loss.gradient()));
        }

        /**
         * The slope |dL/do|: so a gradient is cut by how steep the model is there, never by how far it
         * was wrong, which would cut what is rare more than what is not and leave no probabilities.
         */
        @Override
        public double reach(double[] logProbs) {
            return Math.abs(slope(logProbs).gradient()[0]);
        }

        private Loss slope(double[] logProbs) {
            return objective.loss(terms.scores(logProbs), new double[] {label}, silence);
        }
    }

    /**
     * An item of a slate and the reward it brought.
     *
     * @param rivals what it was chosen from
     * @param propensity of the item in its place, given the places before it; 0: unknown
     */
    record Decision(
            Example example,
            PackedBatch batch,
            OptionTerms terms,
            Rivals rivals,
            double propensity,
            double reward,
            BanditObjective objective)
            implements
                PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            double[] scores = scores(logProbs);
            Loss loss;
            if (propensity == 0) {
                loss = objective.unweighted(scores, rivals.action(), reward);
            } else {
                BanditObjective.BatchLoss batch =
                        objective.policyGradient(List.of(logged(scores)));
                loss = new Loss(batch.value(), batch.gradients().getFirst());
            }
            int modelled = scores.length - rivals.served().length;
            return new Loss(
                    loss.value(), terms.toTargets(Arrays.copyOf(loss.gradient(), modelled)));
        }

        @Override
        public double[] importance(double[] logProbs) {
            return new double[] {
                propensity == 0 ? 1 : objective.importance(logged(scores(logProbs)))};
        }

        /** Those that the model scores come first. */
        private double[] scores(double[] logProbs) {
            return DoubleStream.concat(
                    Arrays.stream(terms.scores(logProbs)), Arrays.stream(rivals.served()))
                    .toArray();
        }

        private LoggedDecision logged(double[] scores) {
            return new LoggedDecision(scores, rivals.action(), propensity, reward, 1);
        }
    }

    /**
     * A text to imitate; the loss is per token.
     *
     * @param weights of the tokens
     */
    record Text(Example example, PackedBatch batch, double[] weights) implements PreparedExample {
        @Override
        public Loss loss(double[] logProbs, References references) {
            return SftObjective.loss(logProbs, weights);
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
                Measured {
        @Override
        public double[] scores(double[] logProbs) {
            return new double[] {Arrays.stream(logProbs).sum()};
        }

        @Override
        public Loss loss(double[] logProbs, References references) {
            ScoredAnswer scored =
                    new ScoredAnswer(scores(logProbs)[0], references.base(this)[0], good, 1);
            Loss loss = objective.loss(List.of(scored), references.point());
            double[] gradient = new double[logProbs.length];
            Arrays.fill(gradient, loss.gradient()[0]);
            return new Loss(loss.value(), gradient);
        }
    }

    /**
     * Two answers to one prompt; the loss is of their whole probabilities, against the base's.
     *
     * @param preferred how many of the targets are the preferred answer's; they come first
     */
    record Pair(Example example, PackedBatch batch, int preferred, PreferenceObjective objective)
            implements
                Measured {
        @Override
        public double[] scores(double[] logProbs) {
            return new double[] {Arrays.stream(logProbs, 0, preferred).sum(),
                Arrays.stream(logProbs, preferred, logProbs.length).sum()};
        }

        @Override
        public Loss loss(double[] logProbs, References references) {
            double[] scores = scores(logProbs);
            double[] base = references.base(this);
            ScoredPair pair = new ScoredPair(scores[0], scores[1], base[0], base[1], 1);
            Loss loss = objective.loss(List.of(pair));
            double[] gradient = new double[logProbs.length];
            Arrays.fill(gradient, 0, preferred, loss.gradient()[0]);
            Arrays.fill(gradient, preferred, gradient.length, loss.gradient()[1]);
            return new Loss(loss.value(), gradient);
        }
    }
}
