package dev.flywheel.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rotation: {@code rope_theta} and {@code rope_scaling}, or {@code rope_parameters}, which
 * may hold one object for each type of layer.
 */
final class RopeReader {
    private static final double THETA_DEFAULT = 10_000;
    private static final double LARGE_THETA_DEFAULT = 1_000_000;
    private static final double FAST_TURNS_DEFAULT = 32;
    private static final double SLOW_TURNS_DEFAULT = 1;
    private static final double ATTENTION_SLOPE = 0.1;
    private static final String NEWER = "rope_parameters";
    private static final String OLDER = "rope_scaling";
    private static final String FULL = "full_attention";
    private static final String WINDOWED = "sliding_attention";

    private final ConfigFields config;
    private final Family family;
    private final ConfigFields parameters;

    RopeReader(ConfigFields config, Family family) {
        this.config = config;
        this.family = family;
        ConfigFields newer = config.object(NEWER);
        ConfigFields older = config.object(OLDER);
        if (config.has(NEWER) && config.has(OLDER) && !newer.node().equals(older.node())) {
            throw config.unsupported(OLDER, "either this or " + NEWER);
        }
        this.parameters = config.has(NEWER) ? newer : older;
        requireShape();
    }

    private void requireShape() {
        boolean byLayer = false;
        for (JsonNode value : parameters.node()) {
            byLayer |= value.isObject();
        }
        if (byLayer && family != Family.GEMMA3) {
            throw config.unsupported(
                    parameters.path().startsWith(NEWER) ? NEWER : OLDER,
                    "one rotation for all layers of a " + family.modelType());
        }
        if (!byLayer && family == Family.GEMMA3 && config.has(NEWER)) {
            throw config.expected(NEWER, "objects " + FULL + " and " + WINDOWED);
        }
    }

    /** Returns the rotation of layers that see everything. */
    Rope full() {
        boolean large = family == Family.MIXTRAL || family == Family.GEMMA3;
        double theta = config.number("rope_theta", large ? LARGE_THETA_DEFAULT : THETA_DEFAULT);
        return rope(byLayer() ? parameters.object(FULL) : parameters, theta);
    }

    /** Returns the rotation of layers with a window; null if it is the same. */
    @Nullable
    Rope windowed() {
        if (family != Family.GEMMA3) {
            return null;
        }
        double theta = config.number("rope_local_base_freq", THETA_DEFAULT);
        return byLayer() ? rope(parameters.object(WINDOWED), theta) : Rope.plain(theta);
    }

    private boolean byLayer() {
        return family == Family.GEMMA3 && config.has(NEWER);
    }

    private Rope rope(ConfigFields from, double thetaDefault) {
        if (from.number("partial_rotary_factor", 1) != 1) {
            throw from.unsupported("partial_rotary_factor", "1");
        }
        double theta = from.number("rope_theta", thetaDefault);
        return new Rope(theta, scaling(from, theta));
    }

    private Rope.Scaling scaling(ConfigFields from, double theta) {
        String key = from.has("rope_type") ? "rope_type" : "type";
        if (family == Family.GEMMA3 && !byLayer() && key.equals("type") && from.has(key)) {
            throw from.unsupported(key, "rope_type, for in a gemma3_text the older name is void");
        }
        return switch (from.has(key) ? from.get(key).asText() : "default") {
            case "default" -> new Rope.Unscaled();
            case "linear" -> new Rope.LinearScaling(from.positive("factor"));
            case "llama3" -> llama3(from);
            case "yarn" -> yarn(from, theta);
            default -> throw from.unsupported(key, "default, linear, llama3, yarn");
        };
    }

    private Rope.Scaling llama3(ConfigFields from) {
        double low = from.positive("low_freq_factor");
        double high = from.positive("high_freq_factor");
        double original = originalPositions(from);
        if (high <= low || original > Integer.MAX_VALUE) {
            throw ConfigFields.malformed(from.path() + "low_freq_factor is " + low
                    + " and high_freq_factor " + high + ", expected low below high");
        }
        return new Rope.Llama3Scaling(from.positive("factor"), low, high, (int) original);
    }

    private Rope.Scaling yarn(ConfigFields from, double theta) {
        if (!(theta > 1)) {
            throw ConfigFields.malformed("rope_theta is " + theta + ", expected above 1 for yarn");
        }
        double positions = config.integer("max_position_embeddings");
        double original = originalPositions(from);
        double factor = from.positive("factor",
                from.names("factor") ? positions / original : Double.NaN);
        return new Rope.YarnScaling(
                factor,
                original,
                from.positive("beta_fast", FAST_TURNS_DEFAULT),
                from.positive("beta_slow", SLOW_TURNS_DEFAULT),
                from.positive("attention_factor", attentionFactor(from, factor)),
                truncate(from));
    }

    /** Null means no; where each layer type has a rotation of its own, the field is not looked at. */
    private boolean truncate(ConfigFields from) {
        if (family != Family.GEMMA3) {
            return from.bool("truncate", !from.names("truncate"));
        }
        if (!from.bool("truncate", true)) {
            throw from.unsupported("truncate", "true or null in a " + family.modelType());
        }
        return true;
    }

    /** Beside the rotation's own fields the key outranks them, save where each layer type has its own. */
    private double originalPositions(ConfigFields from) {
        String key = "original_max_position_embeddings";
        return config.has(key) && family != Family.GEMMA3
                ? config.positive(key)
                : from.positive(key, config.integer("max_position_embeddings"));
    }

    private static double attentionFactor(ConfigFields from, double factor) {
        double scale = from.number("mscale", 0);
        double scaleOfAll = from.number("mscale_all_dim", 0);
        return scale != 0 && scaleOfAll != 0
                ? growth(factor, scale) / growth(factor, scaleOfAll)
                : growth(factor, 1);
    }

    private static double growth(double factor, double scale) {
        return factor <= 1 ? 1 : ATTENTION_SLOPE * scale * Math.log(factor) + 1;
    }
}
