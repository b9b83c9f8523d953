package dev.flywheel.app.replay;

import java.util.ArrayList;
import java.util.List;

/**
 * Scores predictions that were made before their labels were known.
 *
 * <p>AUC: the chance that a liked example got a higher prediction than a disliked one, ties count half. Log loss: the
 * mean of -ln of the probability given to what happened, probabilities held within [1e-6, 1 - 1e-6].
 */
public final class Prequential {
    private static final double FLOOR = 1e-6;

    private final List<Example> examples = new ArrayList<>();

    private record Example(double prediction, boolean label) {}

    /** Adds one prediction with the label that came. */
    public synchronized void add(double prediction, boolean label) {
        if (!(prediction >= 0 && prediction <= 1)) {
            throw new IllegalArgumentException(
                    "prediction must be within 0 to 1, was " + prediction);
        }
        examples.add(new Example(prediction, label));
    }

    public synchronized int count() {
        return examples.size();
    }

    public synchronized double logLoss() {
        double sum = 0;
        for (Example example : examples) {
            double p = Math.clamp(example.prediction, FLOOR, 1 - FLOOR);
            sum -= Math.log(example.label ? p : 1 - p);
        }
        return examples.isEmpty() ? Double.NaN : sum / examples.size();
    }

    public synchronized double auc() {
        return auc(examples);
    }

    public synchronized double aucSecondHalf() {
        return auc(examples.subList(examples.size() / 2, examples.size()));
    }

    /** The Mann-Whitney statistic by ranks, mean rank within ties. */
    private static double auc(List<Example> examples) {
        List<Example> sorted = new ArrayList<>(examples);
        sorted.sort(java.util.Comparator.comparingDouble(Example::prediction));
        double rankSum = 0;
        long liked = 0;
        for (int from = 0; from < sorted.size();) {
            int to = from;
            while (to < sorted.size() && sorted.get(to).prediction == sorted.get(from).prediction) {
                to++;
            }
            double rank = (from + 1 + to) / 2.0;
            for (Example example : sorted.subList(from, to)) {
                rankSum += example.label ? rank : 0;
                liked += example.label ? 1 : 0;
            }
            from = to;
        }
        long disliked = sorted.size() - liked;
        return liked == 0 || disliked == 0
                ? Double.NaN
                : (rankSum - liked * (liked + 1) / 2.0) / ((double) liked * disliked);
    }
}
