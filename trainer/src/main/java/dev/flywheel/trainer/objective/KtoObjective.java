package dev.flywheel.trainer.objective;

import java.util.List;

/**
 * Kahneman-Tversky optimization: learns from single answers marked good or bad, without pairs.
 *
 * <p>With r = s - s_ref of an answer and z0 the reference point, how far the adapter has moved on
 * unrelated answers:
 *
 * <pre>
 * good: l = desirable   (1 - sigma(beta (r - z0)))
 * bad:  l = undesirable (1 - sigma(beta (z0 - r)))
 * L = sum w l / sum w,  z0 constant
 * dL/ds = -+ w lambda beta sigma'(beta (r - z0)) / sum w
 * </pre>
 *
 * <p>Ethayarajh et al., ICML 2024, arXiv:2402.01306.
 *
 * @param beta how soon the value saturates, per nat
 * @param desirable weight of good answers, the paper's lambda_D
 * @param undesirable weight of bad answers, the paper's lambda_U
 */
public record KtoObjective(double beta, double desirable, double undesirable) {
    public KtoObjective {
        if (!(beta > 0)) {
            throw new IllegalArgumentException("beta must be above 0, was " + beta);
        }
        if (!(desirable >= 0 && undesirable >= 0)) {
            throw new IllegalArgumentException(
                    "desirable is %s and undesirable %s, both must be at least 0"
                            .formatted(desirable, undesirable));
        }
    }

    /**
     * Returns z0: the mean of s - s_ref over answers that belong to other prompts, an estimate of
     * KL(adapter || base), and never below zero. No gradient flows through it.
     */
    public static double referencePoint(double[] scores, double[] references) {
        if (scores.length == 0 || scores.length != references.length) {
            throw new IllegalArgumentException(
                    "scores has %d entries, references has %d; give one of each per answer, at least one"
                            .formatted(scores.length, references.length));
        }
        double sum = 0;
        for (int i = 0; i < scores.length; i++) {
            sum += scores[i] - references[i];
        }
        return Math.max(0, sum / scores.length);
    }

    /**
     * The loss of a batch.
     *
     * @return with the gradient [answers]: dL/ds
     */
    public Loss loss(List<ScoredAnswer> answers, double referencePoint) {
        double total =
                WeightedMean.total(answers.stream().mapToDouble(ScoredAnswer::weight).toArray());
        double value = 0;
        double[] gradient = new double[answers.size()];
        for (int i = 0; i < gradient.length; i++) {
            ScoredAnswer answer = answers.get(i);
            double side = answer.desirable() ? 1 : -1;
            double share = answer.weight() / total * (answer.desirable() ? desirable : undesirable);
            double logit = side * beta * (answer.reward() - referencePoint);
            double missed = Softmax.sigmoid(-logit); // 1 - sigma, without cancellation
            value += share * missed;
            gradient[i] = -side * share * beta * missed * Softmax.sigmoid(logit);
        }
        return new Loss(value, gradient);
    }
}
