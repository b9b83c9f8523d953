package dev.flywheel.engine.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Lays matrices out as the microkernels read them: panels [depth, width] of {@code width} rows.
 *
 * <p>A panel may have more lanes than the matrix has rows left. Such lanes hold copies of other
 * elements, and what is computed from them is thrown away. Writing a panel may spill up to {@link
 * #SLACK} floats over its end: arrays have them to spare, and panels of a width that is no whole
 * number of vectors lie that far apart.
 */
final class Packing {
    static final int SLACK = Microkernels.W;

    private static final VectorSpecies<Float> LANES = Microkernels.LANES;
    private static final int W = Microkernels.W;

    /** Columns copied at a time, few enough for the fastest cache. */
    private static final int CHUNK = 128;

    /** Rows this many elements apart, or a multiple, compete for the same lines of that cache. */
    private static final int CONFLICT = 512;

    /** Panels filled side by side, so that a row far from the next is read once for all. */
    private static final int GROUP = 16;

    private Packing() {}

    /**
     * Packs rows [from, from + count) of the operand into panels of a width, {@code panelStride}
     * floats apart.
     */
    static void pack(Operand operand, int from, int count, int width, int panelStride, float[] to,
            int at, Workspace workspace) {
        float[] array = operand.buffer().floatsInPlace();
        int done = 0;
        if (array != null && !operand.alongDepth()) {
            int first = operand.buffer().base() + from;
            int whole = count / width;
            for (int p = 0; p < whole; p += GROUP) {
                columnPanels(array, first + p * width, operand.rows(), Math.min(GROUP, whole - p),
                        operand.depth(), width, panelStride, to, at + p * panelStride);
            }
            done = whole * width;
        }
        for (int j = done; j < count; j += width) {
            panel(operand, from + j, Math.min(width, count - j), width, to,
                    at + j / width * panelStride, workspace);
        }
    }

    private static void panel(Operand operand, int from, int count, int width, float[] to, int at,
            Workspace workspace) {
        CpuBuffer buffer = operand.buffer();
        float[] array = buffer.floatsInPlace();
        int depth = operand.depth();
        if (operand.alongDepth()) {
            rowPanel(operand, from, count, width, to, at, workspace);
        } else if (array != null) {
            columns(array, buffer.base() + from, operand.rows(), count, depth, width, to, at);
        } else {
            for (int k = 0; k < depth; k++) {
                Widening.read(buffer, (long) k * operand.rows() + from, to, at + k * width, count);
            }
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
            int whole = vectorRows(from, first + j, stride, depth);
            for (int k = 0; k < whole; k++) {
                FloatVector.fromArray(LANES, from, first + j + k * stride)
                        .intoArray(to, at + j + k * width);
            }
            for (int k = whole; k < depth; k++) {
                System.arraycopy(from, first + j + k * stride, to, at + j + k * width,
                        Math.min(W, count - j));
            }
        }
    }

    /** Packs whole panels of columns side by side. */
    private static void columnPanels(float[] from, int first, int stride, int panels, int depth,
            int width, int panelStride, float[] to, int at) {
        int lastVector = (panels - 1) * width + (width - 1) / W * W;
        int whole = vectorRows(from, first + lastVector, stride, depth);
        for (int k = 0; k < whole; k++) {
            for (int p = 0; p < panels; p++) {
                int source = first + k * stride + p * width;
                int target = at + p * panelStride + k * width;
                for (int j = 0; j < width; j += W) {
                    FloatVector.fromArray(LANES, from, source + j).intoArray(to, target + j);
                }
            }
        }
        for (int k = whole; k < depth; k++) {
            for (int p = 0; p < panels; p++) {
                System.arraycopy(from, first + k * stride + p * width, to,
                        at + p * panelStride + k * width, width);
            }
        }
    }

    /** Returns of how many rows a whole vector from their first element on lies in the array. */
    private static int vectorRows(float[] from, int first, int stride, int depth) {
        int room = from.length - W - first;
        return room < 0 ? 0 : Math.min(depth, room / stride + 1);
    }

    private static void rowPanel(Operand operand, int from, int count, int width, float[] to,
            int at, Workspace workspace) {
        float[] array = operand.buffer().floatsInPlace();
        int depth = operand.depth();
        if (array == null || depth % CONFLICT == 0) {
            copiedRowPanel(operand, from, count, width, to, at, workspace);
            return;
        }
        int[] offsets = workspace.offsets(width + W);
        for (int j = 0; j < width + W; j++) {
            offsets[j] = (from + Math.min(j, count - 1)) * depth;
        }
        rows(array, operand.buffer().base(), offsets, 0, depth, to, at, width);
    }

    /** Packs by way of a copy that is widened and spread over the cache. */
    private static void copiedRowPanel(Operand operand, int from, int count, int width, float[] to,
            int at, Workspace workspace) {
        int depth = operand.depth();
        int stride = CHUNK + W;
        int[] offsets = workspace.offsets(width + W);
        for (int j = 0; j < width + W; j++) {
            offsets[j] = Math.min(j, count - 1) * stride;
        }
        float[] chunk = workspace.floats(Workspace.Purpose.WIDENED, (long) width * stride);
        for (int k = 0; k < depth; k += CHUNK) {
            int columns = Math.min(CHUNK, depth - k);
            for (int j = 0; j < count; j++) {
                Widening.read(operand.buffer(), (long) (from + j) * depth + k, chunk, j * stride,
                        columns);
            }
            rows(chunk, 0, offsets, 0, columns, to, at + k * width, width);
        }
    }
}
