package dev.flywheel.adapters.lora;

import java.util.Arrays;

/**
 * The two matrices of one module; its output gains scale · B(A x).
 *
 * <p>The arrays are not copied and must not change. Equality is by content.
 *
 * @param module full name, such as {@code model.layers.0.self_attn.q_proj}
 * @param a [rank, inFeatures], row-major
 * @param b [outFeatures, rank], row-major
 */
public record LoraPair(
        String module,
        int rank,
        int inFeatures,
        int outFeatures,
        float[] a,
        float[] b) {
    public LoraPair {
        if (a.length != (long) rank * inFeatures || b.length != (long) outFeatures * rank) {
            throw new IllegalArgumentException(
                    module
                            + ": A holds "
                            + a.length
                            + " floats and B "
                            + b.length
                            + ", expected ["
                            + rank
                            + ", "
                            + inFeatures
                            + "] and ["
                            + outFeatures
                            + ", "
                            + rank
                            + "]");
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LoraPair pair
                && module.equals(pair.module)
                && rank == pair.rank
                && inFeatures == pair.inFeatures
                && outFeatures == pair.outFeatures
                && Arrays.equals(a, pair.a)
                && Arrays.equals(b, pair.b);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * module.hashCode() + Arrays.hashCode(a)) + Arrays.hashCode(b);
    }

    @Override
    public String toString() {
        return module + " r" + rank + " " + inFeatures + "->" + outFeatures;
    }
}
