package dev.flywheel.trainer.objective;

/**
 * Log loss of each item's own verdict, undistorted by silence that was counted before every
 * positive had come.
 *
 * <p>With o the log-odds of an item, y whether it was taken, p = sigma(o) and q = p late_share, the
 * chance that it is taken only after silence has been counted; p and q carry no gradient:
 *
 * <pre>
 * L = sum_k [ y a softplus(-o) + (1 - y) n softplus(o) ]
 * a = 1 + q
 * n = (1 + q) (1 - p) / (1 - p + q)   if silence said so
 *   = 1 + q                           if the user did
 * dL/do = -y a (1 - p) + (1 - y) n p
 * </pre>
 *
 * <p>A taken item that is late enters twice, as silence and then as what it is. Without weights such a
 * stream is fitted by p_true / (1 + late_share p_true); these are the ratios of the true to the
 * observed label given the item, so that p_true fits it. Gu et al. (ES-DFM), AAAI 2021,
 * arXiv:2012.03245; with late_share = 1 they are FNW's 1 + p and 1 - p^2 (Ktena et al., RecSys 2019,
 * arXiv:1907.06558); with 0 all are one.
 *
 * <p>A sum over items, not a mean, which would let the one item of a click weigh what a whole silent
 * slate weighs: scores would be no probabilities.
 *
 * @param lateShare share of the positives that come after silence has been counted, [0, 1)
 */
public record VerdictObjective(double lateShare) {
    public VerdictObjective {
        if (!(lateShare >= 0 && lateShare < 1)) {
            throw new IllegalArgumentException("late_share must be in [0, 1), was " + lateShare);
        }
    }

    /**
     * The loss of some items and its derivative by each log-odds.
     *
     * @param labels share of each item's verdict that is yes, 0 to 1
     * @param silence whether nobody said so: what is labelled 0 may still be taken
     */
    public Loss loss(double[] logOdds, double[] labels, boolean silence) {
        double value = 0;
        double[] gradient = new double[logOdds.length];
        for (int k = 0; k < gradient.length; k++) {
            double taken = labels[k] * said(logOdds[k]);
            double left = (1 - labels[k]) * (silence ? unsaid(logOdds[k]) : said(logOdds[k]));
            value += taken * Softmax.softplus(-logOdds[k]) + left * Softmax.softplus(logOdds[k]);
            gradient[k] = left * Softmax.sigmoid(logOdds[k]) - taken * Softmax.sigmoid(-logOdds[k]);
        }
        return new Loss(value, gradient);
    }

    /** Weight of what the user did: 1 + q. */
    private double said(double logOdds) {
        return 1 + lateShare * Softmax.sigmoid(logOdds);
    }

    /** Weight of what silence says. */
    private double unsaid(double logOdds) {
        double q = lateShare * Softmax.sigmoid(logOdds);
        double no = Softmax.sigmoid(-logOdds); // 1 - p, without cancellation
        return q == 0 ? 1 : (1 + q) * no / (no + q);
    }
}
