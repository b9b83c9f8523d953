package dev.flywheel.adapters.lora;

/** The size of a linear module: its weight is [outFeatures, inFeatures]. */
public record ModuleShape(int inFeatures, int outFeatures) {
    public ModuleShape {
        if (inFeatures <= 0 || outFeatures <= 0) {
            throw new IllegalArgumentException(
                    "module shape must be positive, was in "
                            + inFeatures
                            + ", out "
                            + outFeatures);
        }
    }

    /** In words of a message: {@code 64->192}, as pairs of matrices are told. */
    @Override
    public String toString() {
        return inFeatures + "->" + outFeatures;
    }
}
