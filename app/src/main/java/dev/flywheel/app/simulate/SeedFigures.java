package dev.flywheel.app.simulate;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one seed measured.
 *
 * @param seed that it was played with
 * @param arms figures by name, by arm
 */
public record SeedFigures(long seed, Map<String, Map<String, Double>> arms) {
    SeedFigures(long seed) {
        this(seed, new LinkedHashMap<>());
    }

    /** Adds a figure of an arm. */
    SeedFigures with(String arm, String figure, double value) {
        arms.computeIfAbsent(arm, name -> new LinkedHashMap<>()).put(figure, value);
        return this;
    }

    double figure(String arm, String figure) {
        Double value = arms.getOrDefault(arm, Map.of()).get(figure);
        if (value == null) {
            throw new IllegalArgumentException("arm %s has no figure %s".formatted(arm, figure));
        }
        return value;
    }
}
