package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Rotary positions from tables of cosines and sines, which are made once per set of frequencies and
 * grow with the largest position seen. Angles are computed in double. Thread-safe.
 */
final class CpuRope {
    private static final int TABLES_MAX = 8;
    private static final int POSITIONS_MAX = 1 << 16;

    private volatile Table[] tables = {};

    /** Turns each pair (x[i], x[i + headDim / 2]) by position * frequency[i], times scale. */
    void rotate(CpuBuffer x, CpuBuffer positions, CpuBuffer inverseFrequencies, float scale,
            boolean inverse, int rows, int heads, int headDim) {
        int half = headDim / 2;
        float[] frequencies = Arrays.copyOfRange(inverseFrequencies.floats(),
                inverseFrequencies.base(), inverseFrequencies.base() + half);
        int[] at = positions.ints();
        int largest = 0;
        for (int r = 0; r < rows; r++) {
            largest = Math.max(largest, at[positions.base() + r]);
        }
        Table table = table(frequencies, Math.min(largest, POSITIONS_MAX - 1));
        float[] turns = new float[headDim];
        for (int r = 0; r < rows; r++) {
            int position = at[positions.base() + r];
            table.turns(position, scale, inverse, turns);
            for (int h = 0; h < heads; h++) {
                turn(x.floats(), x.base() + (r * heads + h) * headDim, turns, half);
            }
        }
    }

    private static void turn(float[] x, int at, float[] turns, int half) {
        int i = 0;
        for (int end = LANES.loopBound(half); i < end; i += W) {
            FloatVector cos = FloatVector.fromArray(LANES, turns, i);
            FloatVector sin = FloatVector.fromArray(LANES, turns, half + i);
            FloatVector low = FloatVector.fromArray(LANES, x, at + i);
            FloatVector high = FloatVector.fromArray(LANES, x, at + half + i);
            low.fma(cos, high.mul(sin).neg()).intoArray(x, at + i);
            high.fma(cos, low.mul(sin)).intoArray(x, at + half + i);
        }
        if (i < half) {
            VectorMask<Float> rest = LANES.indexInRange(i, half);
            FloatVector cos = FloatVector.fromArray(LANES, turns, i, rest);
            FloatVector sin = FloatVector.fromArray(LANES, turns, half + i, rest);
            FloatVector low = FloatVector.fromArray(LANES, x, at + i, rest);
            FloatVector high = FloatVector.fromArray(LANES, x, at + half + i, rest);
            low.fma(cos, high.mul(sin).neg()).intoArray(x, at + i, rest);
            high.fma(cos, low.mul(sin)).intoArray(x, at + half + i, rest);
        }
    }

    private Table table(float[] frequencies, int position) {
        for (Table table : tables) {
            if (table.covers(frequencies, position)) {
                return table;
            }
        }
        return grow(frequencies, position);
    }

    private synchronized Table grow(float[] frequencies, int position) {
        int positions = Math.max(256, Integer.highestOneBit(position) * 2);
        Table made = Table.of(frequencies, positions);
        Table[] kept = Arrays.stream(tables)
                .filter(table -> !Arrays.equals(table.frequencies, frequencies))
                .limit(TABLES_MAX - 1L)
                .toArray(Table[]::new);
        Table[] next = Arrays.copyOf(kept, kept.length + 1);
        next[kept.length] = made;
        tables = next;
        return made;
    }

    /**
     * @param angles [positions, 2, half]: cosines, then sines
     */
    private record Table(float[] frequencies, int positions, float[] angles) {
        private static Table of(float[] frequencies, int positions) {
            int half = frequencies.length;
            float[] angles = new float[positions * 2 * half];
            for (int p = 0; p < positions; p++) {
                fill(frequencies, p, angles, p * 2 * half);
            }
            return new Table(frequencies, positions, angles);
        }

        private static void fill(float[] frequencies, int position, float[] angles, int at) {
            int half = frequencies.length;
            for (int i = 0; i < half; i++) {
                double angle = (double) position * frequencies[i];
                angles[at + i] = (float) StrictMath.cos(angle);
                angles[at + half + i] = (float) StrictMath.sin(angle);
            }
        }

        private boolean covers(float[] wanted, int position) {
            return position < positions && Arrays.equals(frequencies, wanted);
        }

        /** Writes scaled cosines and sines of one position. */
        private void turns(int position, float scale, boolean inverse, float[] turns) {
            int half = frequencies.length;
            if (position >= 0 && position < positions) {
                System.arraycopy(angles, position * 2 * half, turns, 0, 2 * half);
            } else {
                fill(frequencies, position, turns, 0);
            }
            for (int i = 0; i < half; i++) {
                turns[i] *= scale;
                turns[half + i] *= inverse ? -scale : scale;
            }
        }
    }
}
