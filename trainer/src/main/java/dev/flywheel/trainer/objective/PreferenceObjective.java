package dev.flywheel.trainer.objective;

import java.util.List;

/**
 * Direct preference optimization: the chosen answer is to gain on the rejected one.
 *
 * <p>With s the summed log-probability of an answer and s_ref the base's, d = (s - s_ref)(chosen) -
 * (s - s_ref)(rejected):
 *
 * <pre>
 * L = sum w [ -log sigma(beta d) ] / sum w
 * dL/ds(chosen) = -w beta sigma(-beta d) / sum w = -dL/ds(rejected)
 * </pre>
 *
 * <p>Plain sums, no length normalisation. Rafailov et al., NeurIPS 2023, arXiv:2305.18290.
 *
 * @param beta how far the adapter may move from the base; smaller is freer
 */
public record PreferenceObjective(double beta) {
    public PreferenceObjective {
        if (!(beta > 0)) {
            throw new IllegalArgumentException("beta must be above 0, was " + beta);
        }
    }

    /**
     * The loss of a batch.
     *
     * @return with the gradient [2 * pairs]: dL/ds of each pair's chosen, then rejected answer
     */
    public Loss loss(List<ScoredPair> pairs) {
        double total =
                WeightedMean.total(pairs.stream().mapToDouble(ScoredPair::weight).toArray());
        double value = 0;
        double[] gradient = new double[2 * pairs.size()];
        for (int i = 0; i < pairs.size(); i++) {
            double share = pairs.get(i).weight() / total;
            double logit = beta * pairs.get(i).margin();
            double slope = share * beta * Softmax.sigmoid(-logit);
            value += share * Softmax.softplus(-logit);
            gradient[2 * i] = -slope;
            gradient[2 * i + 1] = slope;
        }
        return new Loss(value, gradient);
    }
}
