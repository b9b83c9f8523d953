package dev.flywheel.app.bench.serving;

import java.util.List;

/** The figure that stands for several runs. */
final class Medians {
    private Medians() {}

    /** Returns the middle one, the mean of the two in the middle of an even number. */
    static double of(List<Double> runs) {
        List<Double> sorted = runs.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle)
                : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
