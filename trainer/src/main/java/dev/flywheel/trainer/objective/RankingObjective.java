package dev.flywheel.trainer.objective;

/**
 * Learning to rank from what was chosen, passed over or rejected in a slate.
 *
 * <p>With scores s, chosen options C, passed-over options P (label 0), rejected options R, label
 * strengths a, importance weights w, and o the log-odds of a single option:
 *
 * <pre>
 * L =  1/|C| sum_C a w [ -log softmax(s)[c]  +  chosen * softplus(-o_c) ]      listwise, pointwise
 *    + passedOver/|P| sum_P softplus(o_p)           if something was chosen
 *    + unanswered/|P| sum_P softplus(o_p)           if nothing was chosen or rejected
 *    + rejected/|R|   sum_R |a| softplus(o_r)
 * </pre>
 *
 * <p>The first term is ListNet's top-one cross-entropy (Cao et al., ICML 2007) over
 * propensity-weighted clicks (Joachims et al., arXiv:1608.04468). It is blind to a constant added
 * to all scores and says nothing about a slate of one, so logistic terms join it (as in Bai et al.,
 * arXiv:2211.01494); they also anchor the log-odds as probabilities. Silence is weak evidence,
 * never a hard negative: its terms have small weights, and the slope of softplus(o), the model's
 * own belief that the option is liked, fades as soon as the model has learned otherwise. When
 * tastes drift most slates go unanswered; weighed like choices, all that silence would push every
 * option down alike until none stands out and nothing can be learned from the few clicks left.
 *
 * <p>Where an option stands alone the listwise term is zero, and the pointwise one takes its place
 * at full weight: at an importance of 1, a spoken yes then weighs what a spoken no does.
 *
 * <p>A verdict's score is its log-odds. A likelihood score s = log p becomes log-odds s - log(1 -
 * p), so the pointwise terms are -log p and -log(1 - p) (unlikelihood, Welleck et al.,
 * arXiv:1908.04319).
 *
 * @param chosen weight of the pointwise term of chosen options, relative to the listwise one; 1 in
 *     a slate of one
 * @param passedOver weight of options passed over in favour of another
 * @param unanswered weight of options in a slate without any answer
 * @param rejected weight of options that were rejected in so many words
 */
public record RankingObjective(
        double chosen,
        double passedOver,
        double unanswered,
        double rejected) {
    /**
     * Learns from few clicks on the built-in base: a choice moves the order at full weight and the
     * level at a tenth, being passed over counts for a tenth of a choice, a slate without any
     * answer for a fiftieth, a spoken rejection for a whole one.
     */
    public static final RankingObjective DEFAULT = new RankingObjective(0.1, 0.1, 0.02, 1);

    /** The loss of one slate and its derivative by each score. */
    public Loss loss(double[] scores, SlateLabels slate) {
        if (scores.length != slate.labels().length) {
            throw new IllegalArgumentException(
                    "scores has %d entries, the slate has %d options"
                            .formatted(scores.length, slate.labels().length));
        }
        Counts counts = Counts.of(slate.labels());
        double[] gradient = new double[scores.length];
        double value = 0;
        if (counts.chosen > 0) {
            value += listwise(scores, slate, counts.chosen, gradient);
        }
        double silence = counts.chosen > 0 ? passedOver : counts.rejected > 0 ? 0 : unanswered;
        double level = scores.length == 1 ? 1 : chosen;
        for (int k = 0; k < scores.length; k++) {
            double label = slate.labels()[k];
            if (label > 0) {
                double weight = level * label * slate.importance()[k] / counts.chosen;
                value += liked(scores, k, slate.logOdds(), weight, gradient);
            } else if (label < 0) {
                double weight = rejected * -label / counts.rejected;
                value += disliked(scores, k, slate.logOdds(), weight, gradient);
            } else {
                double weight = silence / counts.passedOver;
                value += disliked(scores, k, slate.logOdds(), weight, gradient);
            }
        }
        return new Loss(value, gradient);
    }

    private static double listwise(
            double[] scores, SlateLabels slate, int chosen, double[] gradient) {
        double[] logPi = Softmax.logSoftmax(scores, 1);
        double value = 0;
        double total = 0;
        for (int k = 0; k < scores.length; k++) {
            double label = slate.labels()[k];
            if (label > 0) {
                double weight = label * slate.importance()[k] / chosen;
                value -= weight * logPi[k];
                gradient[k] -= weight;
                total += weight;
            }
        }
        for (int k = 0; k < scores.length; k++) {
            gradient[k] += total * StrictMath.exp(logPi[k]);
        }
        return value;
    }

    /** weight * softplus(-o); adds its slope. */
    private static double liked(
            double[] scores, int k, boolean logOdds, double weight, double[] gradient) {
        if (!logOdds) {
            gradient[k] -= weight;
            return -weight * scores[k];
        }
        gradient[k] -= weight * Softmax.sigmoid(-scores[k]);
        return weight * Softmax.softplus(-scores[k]);
    }

    /** weight * softplus(o); adds its slope. */
    private static double disliked(
            double[] scores, int k, boolean logOdds, double weight, double[] gradient) {
        if (!logOdds) {
            double p = Softmax.probability(scores[k]);
            gradient[k] += weight * p / (1 - p);
            return -weight * StrictMath.log1p(-p);
        }
        gradient[k] += weight * Softmax.sigmoid(scores[k]);
        return weight * Softmax.softplus(scores[k]);
    }

    private record Counts(int chosen, int passedOver, int rejected) {
        static Counts of(double[] labels) {
            int chosen = 0;
            int passedOver = 0;
            int rejected = 0;
            for (double label : labels) {
                if (label > 0) {
                    chosen++;
                } else if (label < 0) {
                    rejected++;
                } else {
                    passedOver++;
                }
            }
            return new Counts(chosen, passedOver, rejected);
        }
    }
}
