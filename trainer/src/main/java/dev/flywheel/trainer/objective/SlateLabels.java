package dev.flywheel.trainer.objective;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What is known of a slate's options.
 *
 * @param labels above 0: chosen, by that strength; 0: passed over; below 0: rejected, by that
 * strength
 * @param importance weight of a choice of that option; only read where the label is above 0
 * @param logOdds whether scores are log-odds of a verdict already; else they are log-likelihoods
 */
public record SlateLabels(double[] labels, double[] importance, boolean logOdds) {
    public SlateLabels {
        if (labels.length == 0) {
            throw new IllegalArgumentException("a slate must have at least one option, had none");
        }
        if (labels.length != importance.length) {
            throw new IllegalArgumentException(
                    "importance has %d entries, labels has %d; give one of each per option"
                            .formatted(importance.length, labels.length));
        }
    }

    /** Returns the same labels with every choice weighing one. */
    public SlateLabels unweighted() {
        double[] ones = new double[labels.length];
        Arrays.fill(ones, 1);
        return new SlateLabels(labels, ones, logOdds);
    }

    /** Returns the importance weights of the chosen options. */
    public double[] importanceOfChoices() {
        return IntStream.range(0, labels.length)
                .filter(k -> labels[k] > 0)
                .mapToDouble(k -> importance[k])
                .toArray();
    }
}
