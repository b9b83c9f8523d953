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
    public sealed interface Scaling permits Unscaled, LinearScaling, Llama3Scaling, YarnScaling {
        /** Returns the inverse frequency of the pair with this index. */
        double apply(double inverseFrequency, int index, Angles angles);

        /** Returns the factor on queries and keys. */
        default double attentionFactor() {
            return 1;
        }
    }

    /** The angles that a scaling is applied to. */
    public record Angles(double theta, int headDim) {}

    /** {@code default}. */
    public record Unscaled() implements Scaling {
        @Override
        public double apply(double inverseFrequency, int index, Angles angles) {
            return inverseFrequency;
        }
    }

    /** {@code linear}: every position counts as {@code 1 / factor}. */
    public record LinearScaling(double factor) implements Scaling {
        @Override
        public double apply(double inverseFrequency, int index, Angles angles) {
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
        public double apply(double inverseFrequency, int index, Angles angles) {
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
     * {@code yarn}: pairs that turn often within the original context are kept, those that turn
     * seldom divided by {@code factor}, with a linear ramp over the indices between. Peng et al.,
     * arXiv:2309.00071.
     *
     * @param originalPositions context length before the extension
     * @param fastTurns turns within the original context from which a pair is kept
     * @param slowTurns turns up to which a pair is divided
     * @param truncate whether the ramp's ends are rounded outwards to whole indices
     */
    public record YarnScaling(
            double factor,
            double originalPositions,
            double fastTurns,
            double slowTurns,
            double attentionFactor,
            boolean truncate)
            implements
                Scaling {
        private static final double STEEPEST = 0.001;

        @Override
        public double apply(double inverseFrequency, int index, Angles angles) {
            double first = indexOf(fastTurns, angles);
            double last = indexOf(slowTurns, angles);
            double low = Math.max(0, truncate ? Math.floor(first) : first);
            double high = Math.min(angles.headDim() - 1, truncate ? Math.ceil(last) : last);
            double width = low == high ? STEEPEST : high - low;
            double divided = Math.clamp((index - low) / width, 0.0, 1.0);
            return divided * inverseFrequency / factor + (1 - divided) * inverseFrequency;
        }

        /** Returns the index, in pairs, of what turns so often within the original context. */
        private double indexOf(double turns, Angles angles) {
            return angles.headDim() * Math.log(originalPositions / (turns * 2 * Math.PI))
                    / (2 * Math.log(angles.theta()));
        }
    }

    /**
     * Returns {@code theta^(-2i / headDim)}, scaled, for i below {@code headDim / 2}. The exponent and
     * the power are rounded to F32 where the reference implementation of these models rounds them.
     */
    public float[] inverseFrequencies(int headDim) {
        float[] frequencies = new float[headDim / 2];
        Angles angles = new Angles(theta, headDim);
        for (int i = 0; i < frequencies.length; i++) {
            float exponent = (float) (2 * i) / headDim;
            float power = (float) Math.pow(theta, exponent);
            frequencies[i] = (float) scaling.apply(1f / power, i, angles);
        }
        return frequencies;
    }
}
