package dev.flywheel.engine.model;

/**
 * Rotary position embedding: the base of the angles and how they are stretched for long contexts.
 *
 * @param theta base of the frequencies
 * @param scaling how frequencies change with the context that the model was extended to
 */
public record Rope(double theta, Scaling scaling) {

    /** Frequencies as the base gives them. */
    public static Rope plain(double theta) {
        return new Rope(theta, new Unscaled());
    }

    /** How frequencies are stretched; the permitted records are the {@code rope_type}s supported. */
    public sealed interface Scaling permits Unscaled, LinearScaling, Llama3Scaling {
        double apply(double inverseFrequency);
    }

    /** {@code default}. */
    public record Unscaled() implements Scaling {
        @Override
        public double apply(double inverseFrequency) {
            return inverseFrequency;
        }
    }

    /** {@code linear}: every position counts as {@code 1 / factor}. */
    public record LinearScaling(double factor) implements Scaling {
        @Override
        public double apply(double inverseFrequency) {
            return inverseFrequency / factor;
        }
    }

    /**
     * {@code llama3}: long waves are divided by {@code factor}, short ones kept, those between
     * interpolated.
     *
     * @param originalPositions context length before the extension
     */
    public record Llama3Scaling(
            double factor,
            double lowFactor,
            double highFactor,
            int originalPositions)
            implements
                Scaling {
        @Override
        public double apply(double inverseFrequency) {
            double wavelength = 2 * Math.PI / inverseFrequency;
            if (wavelength < originalPositions / highFactor) {
                return inverseFrequency;
            }
            if (wavelength > originalPositions / lowFactor) {
                return inverseFrequency / factor;
            }
            double smooth = (originalPositions / wavelength - lowFactor) / (highFactor - lowFactor);
            return (1 - smooth) * inverseFrequency / factor + smooth * inverseFrequency;
        }
    }

    /**
     * Returns {@code theta^(-2i / headDim)}, scaled, for i below {@code headDim / 2}. The exponent and
     * the power are rounded to F32 where the reference implementation of these models rounds them.
     */
    public float[] inverseFrequencies(int headDim) {
        float[] frequencies = new float[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            float exponent = (float) (2 * i) / headDim;
            float power = (float) Math.pow(theta, exponent);
            frequencies[i] = (float) scaling.apply(1f / power);
        }
        return frequencies;
    }
}
