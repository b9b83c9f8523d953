package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;

/** Differences between what was computed and what was to come out; NaN wherever either is. */
final class Difference {
    private Difference() {}

    /** Returns the largest absolute difference. */
    static double maxAbs(float[] actual, float[] golden) {
        double worst = 0;
        for (int i = 0; i < golden.length; i++) {
            worst = Math.max(worst, Math.abs((double) actual[i] - golden[i]));
        }
        return worst;
    }

    /**
     * Returns the largest difference of numbers, or lists of them, of the same shape: relative where a
     * golden number is above 1, else absolute.
     */
    static double relative(JsonNode actual, JsonNode golden, String what) {
        if (!actual.isArray()) {
            double expected = Entries.number(golden, what);
            double got = actual.isNull() ? Double.NaN : actual.doubleValue();
            return Math.abs(got - expected) / Math.max(1, Math.abs(expected));
        }
        if (!golden.isArray() || golden.size() != actual.size()) {
            throw new BadCaseException(
                    "%s is %s, expected a list of %d"
                            .formatted(what, Entries.shown(golden), actual.size()));
        }
        double worst = 0;
        for (int i = 0; i < actual.size(); i++) {
            worst = Math.max(worst, relative(actual.get(i), golden.get(i), what));
        }
        return worst;
    }

    /** Returns the largest absolute difference over the largest absolute golden value, if that is not zero. */
    static double relativeMax(float[] actual, float[] golden) {
        double largest = 0;
        for (float value : golden) {
            largest = Math.max(largest, Math.abs(value));
        }
        double worst = maxAbs(actual, golden);
        return largest == 0 ? worst : worst / largest;
    }
}
