package dev.flywheel.engine.backend.cpu;

/**
 * Scratch memory of one thread in one stream: arrays by purpose, grown and kept.
 *
 * <p>What an array holds is lost at the next call that asks for the same purpose.
 */
final class Workspace {
    /** What a scratch array is for; arrays of two purposes may be in use at once. */
    enum Purpose {
        LEFT_PANELS,
        RIGHT_PANELS,
        WIDENED,
        WEIGHT,
        KEYS_BY_TOKEN,
        KEYS_BY_COLUMN,
        VALUES_BY_TOKEN,
        VALUES_BY_COLUMN,
        QUERIES,
        OUTPUT_GRADIENTS,
        SCORES,
        SCORE_GRADIENTS,
        CAP_SLOPES
    }

    /** One vector, for sums over lanes. */
    final float[] lanes = new float[Microkernels.W];

    /** Result of one microkernel call. */
    final float[] tile = new float[12 * 2 * Microkernels.W];

    private final float[][] arrays = new float[Purpose.values().length][0];
    private int[] offsets = new int[0];

    /** Returns at least {@code elements} floats of any content. */
    float[] floats(Purpose purpose, long elements) {
        float[] array = arrays[purpose.ordinal()];
        if (array.length < elements) {
            array = new float[grown(elements)];
            arrays[purpose.ordinal()] = array;
        }
        return array;
    }

    /** Returns at least {@code elements} ints of any content, for offsets of rows being packed. */
    int[] offsets(int elements) {
        if (offsets.length < elements) {
            offsets = new int[grown(elements)];
        }
        return offsets;
    }

    private static int grown(long elements) {
        return Math.toIntExact(Math.max(1024, elements + elements / 4));
    }
}
