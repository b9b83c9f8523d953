package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How the linear modules of a base model are held: as its files store them, or quantized when they
 * are loaded. Embeddings, head, norms, biases and routers stay as stored.
 */
public enum WeightFormat {
    /** F32, BF16 or F16, as the files say. */
    STORED,
    /** 8 bits and a shared scale. */
    Q8,
    /**
     * 4 bits where a wrong weight costs least, in the gate and up projections that make up most of
     * a layer, and 8 elsewhere. What it costs the built-in base to go further, scales included:
     *
     * <pre>
     * 4 bits in           bits a weight   logits off by
     * gate, up                     7.25           4.5 %
     * and query, key               6.81           5.1 %
     * and output                   6.52           6.1 %
     * everywhere                   5.50           9.5 %
     * </pre>
     *
     * <p>Allowed are 6 % and texts differ: over short questions it is a fifth more than over the texts
     * this was measured with. Even codes chosen by what the layers read (GPTQ, over texts of the base's
     * own) are off by 7 % with 4 bits everywhere.
     */
    Q4;

    /** Changes whenever quantization gives other bits: what was trained is bound to it. */
    private static final int REVISION = 3;

    /** Returns the name by which it is configured. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Returns the format of a name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static WeightFormat named(String label) {
        for (WeightFormat format : values()) {
            if (format.label().equals(label)) {
                return format;
            }
        }
        throw new IllegalArgumentException(
                "weights are %s, allowed are %s".formatted(label, labels()));
    }

    /** Returns all names, for messages. */
    public static String labels() {
        return Arrays.stream(values()).map(WeightFormat::label).collect(Collectors.joining(", "));
    }

    /** Returns what digests and rounds name it by; it says how bits came about. */
    public String identity() {
        return label() + "/" + REVISION;
    }

    /** Returns the type to quantize a tensor to, or null if it stays as stored. */
    @Nullable
    DType quantized(ModelSpec spec, String tensor) {
        if (this == STORED || !new TensorNames(spec.family()).isLinear(tensor)) {
            return null;
        }
        return this == Q4 && new TensorNames(spec.family()).isWidening(tensor)
                ? DType.Q4
                : DType.Q8;
    }
}
