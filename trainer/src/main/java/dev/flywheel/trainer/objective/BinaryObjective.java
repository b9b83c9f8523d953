package dev.flywheel.trainer.objective;

import java.util.List;

/**
 * Binary classifier optimization: the adapter's reward of an answer as the logit of its being good.
 *
 * <p>With r = s - s_ref and y = +1 for a good answer, -1 for a bad one:
 *
 * <pre>
 * L = sum w [ -log sigma(y (beta r - shift)) ] / sum w
 * dL/ds = -y w beta sigma(-y (beta r - shift)) / sum w
 * </pre>
 *
 * <p>Jung et al., ACL 2025, arXiv:2404.04656.
 *
 * @param beta reward per nat
 * @param shift reward at which an answer is as likely good as bad, the paper's delta
 */
public record BinaryObjective(double beta, double shift) {
    public BinaryObjective {
        if (!(beta > 0)) {
            throw new IllegalArgumentException("beta must be above 0, was " + beta);
        }
        if (!Double.isFinite(shift)) {
            throw new IllegalArgumentException("shift must be finite, was " + shift);
        }
    }

    /**
     * The loss of a batch.
     *
     * @return with the gradient [answers]: dL/ds
     */
    public Loss loss(List<ScoredAnswer> answers) {
        double total =
                WeightedMean.total(answers.stream().mapToDouble(ScoredAnswer::weight).toArray());
        double value = 0;
        double[] gradient = new double[answers.size()];
        for (int i = 0; i < gradient.length; i++) {
            ScoredAnswer answer = answers.get(i);
            double side = answer.desirable() ? 1 : -1;
            double share = answer.weight() / total;
            double logit = side * (beta * answer.reward() - shift);
            value += share * Softmax.softplus(-logit);
            gradient[i] = -side * share * beta * Softmax.sigmoid(-logit);
        }
        return new Loss(value, gradient);
    }
}
