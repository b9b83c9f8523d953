package dev.flywheel.engine.backend.cpu;

import static dev.flywheel.engine.backend.cpu.AttentionRun.PANEL;
import static dev.flywheel.engine.backend.cpu.Microkernels.LANES;
import static dev.flywheel.engine.backend.cpu.Microkernels.W;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Packs one head of scattered rows (keys, values, queries) for the microkernels. */
final class HeadPanels {
    private HeadPanels() {}

    /** Returns the width of a panel over the elements of a head. */
    static int columnWidth(int headDim) {
        return headDim <= W ? W : 2 * W;
    }

    static int columnPanels(int headDim) {
        return (headDim + columnWidth(headDim) - 1) / columnWidth(headDim);
    }

    /** Panels [headDim, PANEL] of tokens: to[(p * headDim + i) * PANEL + j], from panel on. */
    static void byToken(float[] from, int start, AttentionRun run, int fromPanel, int headDim,
            float[] to) {
        for (int p = fromPanel; p * PANEL < run.tokens(); p++) {
            Packing.rows(from, start, run.offsets(), p * PANEL, headDim, to, p * headDim * PANEL,
                    PANEL);
        }
    }

    /**
     * Panels [tokens, width] of elements: to[(c * tokensMax + t) * width + j], from row on.
     *
     * @param tokensMax rows between the starts of two panels
     */
    static void byColumn(float[] from, int start, int[] offsets, int fromRow, int rows,
            int tokensMax, int headDim, float[] to) {
        int width = columnWidth(headDim);
        for (int c = 0; c < columnPanels(headDim); c++) {
            for (int j = 0; j < width; j += W) {
                int count = Math.min(W, headDim - c * width - j);
                if (count > 0) {
                    copyRows(from, start + c * width + j, offsets, fromRow, rows, count, to,
                            c * tokensMax * width + j, width);
                }
            }
        }
    }

    private static void copyRows(float[] from, int start, int[] offsets, int fromRow, int rows,
            int count, float[] to, int at, int width) {
        int last = from.length - W;
        for (int t = fromRow; t < rows; t++) {
            int source = start + offsets[t];
            if (source <= last) {
                FloatVector.fromArray(LANES, from, source).intoArray(to, at + t * width);
            } else {
                System.arraycopy(from, source, to, at + t * width, count);
            }
        }
    }

    /** c[offsets[m] + j] = factors[m] * tile[m, j] + beta * c, for the elements that exist. */
    static void store(float[] tile, int width, int rows, int columns, float[] c, int start,
            int[] offsets, float[] factors, boolean adds) {
        int whole = LANES.loopBound(columns);
        VectorMask<Float> rest = LANES.indexInRange(whole, columns);
        for (int m = 0; m < rows; m++) {
            int at = start + offsets[m];
            float factor = factors[m];
            for (int j = 0; j < whole; j += W) {
                FloatVector value = FloatVector.fromArray(LANES, tile, m * width + j).mul(factor);
                if (adds) {
                    value = value.add(FloatVector.fromArray(LANES, c, at + j));
                }
                value.intoArray(c, at + j);
            }
            if (whole < columns) {
                int j = whole;
                FloatVector value = FloatVector.fromArray(LANES, tile, m * width + j).mul(factor);
                if (adds) {
                    value = value.add(FloatVector.fromArray(LANES, c, at + j, rest));
                }
                value.intoArray(c, at + j, rest);
            }
        }
    }
}
