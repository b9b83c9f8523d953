package dev.flywheel.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;

/** Reads which layers see a sliding window alone, and how long it is. */
final class WindowReader {
    private static final int WINDOW_DEFAULT = 4096;
    private static final int FULL_LAYERS_DEFAULT = 28;
    private static final int GEMMA2_PATTERN = 2;
    private static final int GEMMA3_PATTERN_DEFAULT = 6;
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    private final ConfigFields config;
    private final Family family;
    private final int layers;

    WindowReader(ConfigFields config, Family family, int layers) {
        this.config = config;
        this.family = family;
        // A wrong number is refused with the other sizes.
        this.layers = Math.clamp(layers, 0, Short.MAX_VALUE);
    }

    /** Returns each layer's window, 0 for none. */
    List<Integer> windows() {
        return switch (family) {
            case LLAMA -> everywhere(0);
            case MISTRAL -> everywhere(orNone(WINDOW_DEFAULT));
            case MIXTRAL -> everywhere(orNone(0));
            case QWEN2, QWEN3 -> {
                int full = config.integer("max_window_layers", FULL_LAYERS_DEFAULT);
                yield byLayer(switchedOn(), layer -> layer >= full);
            }
            case QWEN3_MOE -> everywhere(switchedOn());
            case GEMMA2 -> byLayer(orNone(WINDOW_DEFAULT), every(GEMMA2_PATTERN));
            case GEMMA3 -> byLayer(
                    orNone(WINDOW_DEFAULT),
                    every(config.count("sliding_window_pattern", GEMMA3_PATTERN_DEFAULT)));
        };
    }

    /** All layers have a window but the last of each so many. */
    private static IntPredicate every(int pattern) {
        return layer -> (layer + 1) % pattern != 0;
    }

    /** Reads the window of a family that has one unless the key is null. */
    private int orNone(int fallback) {
        if (config.names("sliding_window") && !config.has("sliding_window")) {
            return 0;
        }
        return config.has("sliding_window") ? config.count("sliding_window", 1) : fallback;
    }

    /** Reads the window of a family whose other key must switch it on. */
    private int switchedOn() {
        return config.bool("use_sliding_window", false) ? orNone(WINDOW_DEFAULT) : 0;
    }

    private List<Integer> everywhere(int window) {
        if (family == Family.LLAMA && config.bool("use_sliding_window", false)) {
            throw config.unsupported("use_sliding_window", "full attention (false)");
        }
        for (JsonNode type : config.get("layer_types")) {
            String only = window == 0 ? FULL : SLIDING;
            if (!type.asText().equals(only)) {
                throw config.unsupported(
                        "layer_types", type, only + " in every layer of a " + family.modelType()
                                + " with this sliding_window");
            }
        }
        requireTypes();
        return Collections.nCopies(layers, window);
    }

    private List<Integer> byLayer(int window, IntPredicate windowed) {
        requireTypes();
        JsonNode types = config.get("layer_types");
        List<Integer> windows = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            boolean slides = config.has("layer_types")
                    ? slides(types.get(layer), window)
                    : windowed.test(layer);
            if (slides && window == 0 && alwaysSlides()) {
                throw config.expected("sliding_window", "a whole number of at least 1, for layer "
                        + layer + " has one");
            }
            windows.add(slides ? window : 0);
        }
        return windows;
    }

    /** Whether no other key can switch the windows off. */
    private boolean alwaysSlides() {
        return family == Family.GEMMA2 || family == Family.GEMMA3;
    }

    private void requireTypes() {
        JsonNode types = config.get("layer_types");
        if (config.has("layer_types") && (!types.isArray() || types.size() != layers)) {
            throw config.expected("layer_types", "a list of " + layers + " names");
        }
    }

    private boolean slides(JsonNode type, int window) {
        return switch (type.asText()) {
            case FULL -> false;
            case SLIDING -> {
                if (window == 0) {
                    throw config.unsupported(
                            "layer_types", type, FULL + " where no sliding_window is in use");
                }
                yield true;
            }
            default -> throw config.unsupported("layer_types", type, FULL + ", " + SLIDING);
        };
    }
}
