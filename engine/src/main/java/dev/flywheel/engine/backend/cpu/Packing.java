package dev.flywheel.engine.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Lays matrices out as the microkernels read them: panels [depth, width] of {@code width} rows.
 *
 * <p>A panel may have more lanes than the matrix has rows left. Such lanes hold copies of other
 * elements, and what is computed from them is thrown away. Writing a panel may spill over its end,
 * so panels are packed in ascending order into arrays with {@link #SLACK} floats to spare.
 */
final class Packing {
    /** Floats behind the last panel that packing may write. */
    static final int SLACK = Microkernels.W;

    private static final VectorSpecies<Float> LANES = Microkernels.LANES;
    private static final int W = Microkernels.W;
    private static final int CHUNK = 128; // columns widened at a time, small enough for L1

    private Packing() {}

    /** Packs rows [from, from + count) of the operand, count at most width. */
    static void pack(Operand operand, int from, int count, int width, float[] to, int at,
            Workspace workspace) {
        CpuBuffer buffer = operand.buffer();
        float[] array = buffer.floatsInPlace();
        int depth = operand.depth();
        if (operand.alongDepth()) {
            if (array == null) {
                widenRows(buffer, from, count, depth, width, to, at, workspace);
                return;
            }
            int[] offsets = workspace.offsets(width + W);
            for (int j = 0; j < width + W; j++) {
                offsets[j] = buffer.base() + (from + Math.min(j, count - 1)) * depth;
            }
            rows(array, 0, offsets, 0, depth, to, at, width);
        } else if (array == null) {
            for (int k = 0; k < depth; k++) {
                Widening.read(buffer, (long) k * operand.rows() + from, to, at + k * width, count);
            }
        } else {
            int first = buffer.base() + from;
            columns(array, first, operand.rows(), count, depth, width, to, at);
        }
    }

    /**
     * Packs rows that lie anywhere: to[at + k * width + j] = from[start + offsets[first + j] + k].
     *
     * @param offsets from first on, one for each lane and one vector more
     */
    static void rows(float[] from, int start, int[] offsets, int first, int depth, float[] to,
            int at, int width) {
        for (int j = 0; j < width; j += W) {
            for (int k = 0; k < depth; k++) {
                FloatVector.fromArray(LANES, from, start + k, offsets, first + j)
                        .intoArray(to, at + k * width + j);
            }
        }
    }

    /** Packs columns: to[at + k * width + j] = from[first + k * stride + j]. */
    static void columns(float[] from, int first, int stride, int count, int depth, int width,
            float[] to, int at) {
        for (int j = 0; j < count; j += W) {
            // Whole vectors as long as they stay inside the array, single elements after that.
            int whole = Math.clamp((from.length - W - first - j) / (long) stride + 1, 0, depth);
            if (from.length - W - first - j < 0) {
                whole = 0;
            }
            wholeColumns(from, first + j, stride, whole, width, to, at + j);
            for (int k = whole; k < depth; k++) {
                for (int i = j; i < Math.min(count, j + W); i++) {
                    to[at + k * width + i] = from[first + k * stride + i];
                }
            }
        }
    }

    private static void wholeColumns(float[] from, int first, int stride, int depth, int width,
            float[] to, int at) {
        for (int k = 0; k < depth; k++) {
            FloatVector.fromArray(LANES, from, first + k * stride).intoArray(to, at + k * width);
        }
    }

    private static void widenRows(CpuBuffer buffer, int from, int count, int depth, int width,
            float[] to, int at, Workspace workspace) {
        int[] offsets = workspace.offsets(width + W);
        int stride = CHUNK + W; // not a power of two: the gathered rows lie in different sets
        for (int j = 0; j < width + W; j++) {
            offsets[j] = Math.min(j, count - 1) * stride;
        }
        float[] chunk = workspace.floats(Workspace.Purpose.WIDENED, (long) width * stride);
        for (int k = 0; k < depth; k += CHUNK) {
            int columns = Math.min(CHUNK, depth - k);
            for (int j = 0; j < count; j++) {
                Widening.read(buffer, (long) (from + j) * depth + k, chunk, j * stride, columns);
            }
            rows(chunk, 0, offsets, 0, columns, to, at + k * width, width);
        }
    }
}
