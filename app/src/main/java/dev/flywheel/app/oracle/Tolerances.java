package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tolerances of a manifest, and which of them a figure was held against.
 *
 * <p>Not thread-safe.
 */
final class Tolerances {
    /** For engines that compute in fewer bits than ours. */
    private static final String FOR_LOW_PRECISION = "logits_rms_if_computing_in_";

    /** Says in words that continuations must be the same, which they must whatever it says. */
    private static final String GREEDY = "greedy";

    private final JsonNode tolerance;
    private final Set<String> used = new HashSet<>();

    Tolerances(JsonNode tolerance) {
        this.tolerance = tolerance;
    }

    /** Returns a tolerance. */
    double of(String key) {
        double allowed = OracleCase.number(tolerance, "tolerance", key);
        used.add(key);
        return allowed;
    }

    /** Returns the keys that no figure was held against and that ask for one. */
    List<String> unused() {
        return tolerance.propertyStream()
                .map(Map.Entry::getKey)
                .filter(key -> !used.contains(key))
                .filter(key -> !key.startsWith(FOR_LOW_PRECISION))
                .filter(key -> !(key.equals(GREEDY) && tolerance.path(key).isTextual()))
                .toList();
    }
}
