package dev.flywheel.engine.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Register-blocked products of packed panels, the inner loops of every matrix product.
 *
 * <p>tile [m, width] = sum over i of a[i, m] * b[i, n], where a is packed [k, rows of the kernel]
 * and b [k, width], width one or two vectors. Each element is one chain of fused multiply-adds in
 * order of i, starting from zero: that order is the definition, so its bits depend neither on the
 * tile that an element falls into nor on the width of a vector.
 *
 * <p>The loops are written out because accumulators must be local variables to stay in registers:
 * 12 by 2 vectors, two of b and one broadcast fill 27 of the 32 registers of AVX-512.
 */
final class Microkernels {
    static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
    static final int W = LANES.length();

    /** Rows of the tallest kernel that the registers hold: 16 registers fit only 4 by 2 vectors. */
    static final int ROWS_MAX = W == 8 ? 4 : 12;

    private Microkernels() {}

    /** Returns the rows of the smallest kernel that covers {@code rows} rows. */
    static int kernelRows(int rows) {
        return rows <= 4 ? 4 : rows <= 8 ? Math.min(8, ROWS_MAX) : ROWS_MAX;
    }

    /**
     * @param rows 4, 8 or 12: columns of packed a, rows of tile
     * @param vectors 1 or 2: vectors in a row of b and of tile
     */
    static void multiply(int rows, int vectors, float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        switch (rows * 2 + vectors) {
            case 26 -> multiply12x2(a, a0, b, b0, k, tile);
            case 25 -> multiply12x1(a, a0, b, b0, k, tile);
            case 18 -> multiply8x2(a, a0, b, b0, k, tile);
            case 17 -> multiply8x1(a, a0, b, b0, k, tile);
            case 10 -> multiply4x2(a, a0, b, b0, k, tile);
            case 9 -> multiply4x1(a, a0, b, b0, k, tile);
            default -> throw new IllegalArgumentException(
                    "no kernel of " + rows + " rows by " + vectors + " vectors");
        }
    }

    private static void multiply12x2(float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        FloatVector c00 = FloatVector.zero(LANES);
        FloatVector c01 = FloatVector.zero(LANES);
        FloatVector c10 = FloatVector.zero(LANES);
        FloatVector c11 = FloatVector.zero(LANES);
        FloatVector c20 = FloatVector.zero(LANES);
        FloatVector c21 = FloatVector.zero(LANES);
        FloatVector c30 = FloatVector.zero(LANES);
        FloatVector c31 = FloatVector.zero(LANES);
        FloatVector c40 = FloatVector.zero(LANES);
        FloatVector c41 = FloatVector.zero(LANES);
        FloatVector c50 = FloatVector.zero(LANES);
        FloatVector c51 = FloatVector.zero(LANES);
        FloatVector c60 = FloatVector.zero(LANES);
        FloatVector c61 = FloatVector.zero(LANES);
        FloatVector c70 = FloatVector.zero(LANES);
        FloatVector c71 = FloatVector.zero(LANES);
        FloatVector c80 = FloatVector.zero(LANES);
        FloatVector c81 = FloatVector.zero(LANES);
        FloatVector c90 = FloatVector.zero(LANES);
        FloatVector c91 = FloatVector.zero(LANES);
        FloatVector ca0 = FloatVector.zero(LANES);
        FloatVector ca1 = FloatVector.zero(LANES);
        FloatVector cb0 = FloatVector.zero(LANES);
        FloatVector cb1 = FloatVector.zero(LANES);
        for (int i = 0; i < k; i++) {
            int bi = b0 + i * 2 * W;
            int ai = a0 + i * 12;
            FloatVector p0 = FloatVector.fromArray(LANES, b, bi);
            FloatVector p1 = FloatVector.fromArray(LANES, b, bi + W);
            FloatVector x;
            x = FloatVector.broadcast(LANES, a[ai]);
            c00 = x.fma(p0, c00);
            c01 = x.fma(p1, c01);
            x = FloatVector.broadcast(LANES, a[ai + 1]);
            c10 = x.fma(p0, c10);
            c11 = x.fma(p1, c11);
            x = FloatVector.broadcast(LANES, a[ai + 2]);
            c20 = x.fma(p0, c20);
            c21 = x.fma(p1, c21);
            x = FloatVector.broadcast(LANES, a[ai + 3]);
            c30 = x.fma(p0, c30);
            c31 = x.fma(p1, c31);
            x = FloatVector.broadcast(LANES, a[ai + 4]);
            c40 = x.fma(p0, c40);
            c41 = x.fma(p1, c41);
            x = FloatVector.broadcast(LANES, a[ai + 5]);
            c50 = x.fma(p0, c50);
            c51 = x.fma(p1, c51);
            x = FloatVector.broadcast(LANES, a[ai + 6]);
            c60 = x.fma(p0, c60);
            c61 = x.fma(p1, c61);
            x = FloatVector.broadcast(LANES, a[ai + 7]);
            c70 = x.fma(p0, c70);
            c71 = x.fma(p1, c71);
            x = FloatVector.broadcast(LANES, a[ai + 8]);
            c80 = x.fma(p0, c80);
            c81 = x.fma(p1, c81);
            x = FloatVector.broadcast(LANES, a[ai + 9]);
            c90 = x.fma(p0, c90);
            c91 = x.fma(p1, c91);
            x = FloatVector.broadcast(LANES, a[ai + 10]);
            ca0 = x.fma(p0, ca0);
            ca1 = x.fma(p1, ca1);
            x = FloatVector.broadcast(LANES, a[ai + 11]);
            cb0 = x.fma(p0, cb0);
            cb1 = x.fma(p1, cb1);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, W);
        c10.intoArray(tile, 2 * W);
        c11.intoArray(tile, 3 * W);
        c20.intoArray(tile, 4 * W);
        c21.intoArray(tile, 5 * W);
        c30.intoArray(tile, 6 * W);
        c31.intoArray(tile, 7 * W);
        c40.intoArray(tile, 8 * W);
        c41.intoArray(tile, 9 * W);
        c50.intoArray(tile, 10 * W);
        c51.intoArray(tile, 11 * W);
        c60.intoArray(tile, 12 * W);
        c61.intoArray(tile, 13 * W);
        c70.intoArray(tile, 14 * W);
        c71.intoArray(tile, 15 * W);
        c80.intoArray(tile, 16 * W);
        c81.intoArray(tile, 17 * W);
        c90.intoArray(tile, 18 * W);
        c91.intoArray(tile, 19 * W);
        ca0.intoArray(tile, 20 * W);
        ca1.intoArray(tile, 21 * W);
        cb0.intoArray(tile, 22 * W);
        cb1.intoArray(tile, 23 * W);
    }

    private static void multiply12x1(float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        FloatVector c00 = FloatVector.zero(LANES);
        FloatVector c10 = FloatVector.zero(LANES);
        FloatVector c20 = FloatVector.zero(LANES);
        FloatVector c30 = FloatVector.zero(LANES);
        FloatVector c40 = FloatVector.zero(LANES);
        FloatVector c50 = FloatVector.zero(LANES);
        FloatVector c60 = FloatVector.zero(LANES);
        FloatVector c70 = FloatVector.zero(LANES);
        FloatVector c80 = FloatVector.zero(LANES);
        FloatVector c90 = FloatVector.zero(LANES);
        FloatVector ca0 = FloatVector.zero(LANES);
        FloatVector cb0 = FloatVector.zero(LANES);
        for (int i = 0; i < k; i++) {
            int bi = b0 + i * W;
            int ai = a0 + i * 12;
            FloatVector p0 = FloatVector.fromArray(LANES, b, bi);
            FloatVector x;
            x = FloatVector.broadcast(LANES, a[ai]);
            c00 = x.fma(p0, c00);
            x = FloatVector.broadcast(LANES, a[ai + 1]);
            c10 = x.fma(p0, c10);
            x = FloatVector.broadcast(LANES, a[ai + 2]);
            c20 = x.fma(p0, c20);
            x = FloatVector.broadcast(LANES, a[ai + 3]);
            c30 = x.fma(p0, c30);
            x = FloatVector.broadcast(LANES, a[ai + 4]);
            c40 = x.fma(p0, c40);
            x = FloatVector.broadcast(LANES, a[ai + 5]);
            c50 = x.fma(p0, c50);
            x = FloatVector.broadcast(LANES, a[ai + 6]);
            c60 = x.fma(p0, c60);
            x = FloatVector.broadcast(LANES, a[ai + 7]);
            c70 = x.fma(p0, c70);
            x = FloatVector.broadcast(LANES, a[ai + 8]);
            c80 = x.fma(p0, c80);
            x = FloatVector.broadcast(LANES, a[ai + 9]);
            c90 = x.fma(p0, c90);
            x = FloatVector.broadcast(LANES, a[ai + 10]);
            ca0 = x.fma(p0, ca0);
            x = FloatVector.broadcast(LANES, a[ai + 11]);
            cb0 = x.fma(p0, cb0);
        }
        c00.intoArray(tile, 0);
        c10.intoArray(tile, W);
        c20.intoArray(tile, 2 * W);
        c30.intoArray(tile, 3 * W);
        c40.intoArray(tile, 4 * W);
        c50.intoArray(tile, 5 * W);
        c60.intoArray(tile, 6 * W);
        c70.intoArray(tile, 7 * W);
        c80.intoArray(tile, 8 * W);
        c90.intoArray(tile, 9 * W);
        ca0.intoArray(tile, 10 * W);
        cb0.intoArray(tile, 11 * W);
    }

    private static void multiply8x2(float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        FloatVector c00 = FloatVector.zero(LANES);
        FloatVector c01 = FloatVector.zero(LANES);
        FloatVector c10 = FloatVector.zero(LANES);
        FloatVector c11 = FloatVector.zero(LANES);
        FloatVector c20 = FloatVector.zero(LANES);
        FloatVector c21 = FloatVector.zero(LANES);
        FloatVector c30 = FloatVector.zero(LANES);
        FloatVector c31 = FloatVector.zero(LANES);
        FloatVector c40 = FloatVector.zero(LANES);
        FloatVector c41 = FloatVector.zero(LANES);
        FloatVector c50 = FloatVector.zero(LANES);
        FloatVector c51 = FloatVector.zero(LANES);
        FloatVector c60 = FloatVector.zero(LANES);
        FloatVector c61 = FloatVector.zero(LANES);
        FloatVector c70 = FloatVector.zero(LANES);
        FloatVector c71 = FloatVector.zero(LANES);
        for (int i = 0; i < k; i++) {
            int bi = b0 + i * 2 * W;
            int ai = a0 + i * 8;
            FloatVector p0 = FloatVector.fromArray(LANES, b, bi);
            FloatVector p1 = FloatVector.fromArray(LANES, b, bi + W);
            FloatVector x;
            x = FloatVector.broadcast(LANES, a[ai]);
            c00 = x.fma(p0, c00);
            c01 = x.fma(p1, c01);
            x = FloatVector.broadcast(LANES, a[ai + 1]);
            c10 = x.fma(p0, c10);
            c11 = x.fma(p1, c11);
            x = FloatVector.broadcast(LANES, a[ai + 2]);
            c20 = x.fma(p0, c20);
            c21 = x.fma(p1, c21);
            x = FloatVector.broadcast(LANES, a[ai + 3]);
            c30 = x.fma(p0, c30);
            c31 = x.fma(p1, c31);
            x = FloatVector.broadcast(LANES, a[ai + 4]);
            c40 = x.fma(p0, c40);
            c41 = x.fma(p1, c41);
            x = FloatVector.broadcast(LANES, a[ai + 5]);
            c50 = x.fma(p0, c50);
            c51 = x.fma(p1, c51);
            x = FloatVector.broadcast(LANES, a[ai + 6]);
            c60 = x.fma(p0, c60);
            c61 = x.fma(p1, c61);
            x = FloatVector.broadcast(LANES, a[ai + 7]);
            c70 = x.fma(p0, c70);
            c71 = x.fma(p1, c71);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, W);
        c10.intoArray(tile, 2 * W);
        c11.intoArray(tile, 3 * W);
        c20.intoArray(tile, 4 * W);
        c21.intoArray(tile, 5 * W);
        c30.intoArray(tile, 6 * W);
        c31.intoArray(tile, 7 * W);
        c40.intoArray(tile, 8 * W);
        c41.intoArray(tile, 9 * W);
        c50.intoArray(tile, 10 * W);
        c51.intoArray(tile, 11 * W);
        c60.intoArray(tile, 12 * W);
        c61.intoArray(tile, 13 * W);
        c70.intoArray(tile, 14 * W);
        c71.intoArray(tile, 15 * W);
    }

    private static void multiply8x1(float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        FloatVector c00 = FloatVector.zero(LANES);
        FloatVector c10 = FloatVector.zero(LANES);
        FloatVector c20 = FloatVector.zero(LANES);
        FloatVector c30 = FloatVector.zero(LANES);
        FloatVector c40 = FloatVector.zero(LANES);
        FloatVector c50 = FloatVector.zero(LANES);
        FloatVector c60 = FloatVector.zero(LANES);
        FloatVector c70 = FloatVector.zero(LANES);
        for (int i = 0; i < k; i++) {
            int bi = b0 + i * W;
            int ai = a0 + i * 8;
            FloatVector p0 = FloatVector.fromArray(LANES, b, bi);
            FloatVector x;
            x = FloatVector.broadcast(LANES, a[ai]);
            c00 = x.fma(p0, c00);
            x = FloatVector.broadcast(LANES, a[ai + 1]);
            c10 = x.fma(p0, c10);
            x = FloatVector.broadcast(LANES, a[ai + 2]);
            c20 = x.fma(p0, c20);
            x = FloatVector.broadcast(LANES, a[ai + 3]);
            c30 = x.fma(p0, c30);
            x = FloatVector.broadcast(LANES, a[ai + 4]);
            c40 = x.fma(p0, c40);
            x = FloatVector.broadcast(LANES, a[ai + 5]);
            c50 = x.fma(p0, c50);
            x = FloatVector.broadcast(LANES, a[ai + 6]);
            c60 = x.fma(p0, c60);
            x = FloatVector.broadcast(LANES, a[ai + 7]);
            c70 = x.fma(p0, c70);
        }
        c00.intoArray(tile, 0);
        c10.intoArray(tile, W);
        c20.intoArray(tile, 2 * W);
        c30.intoArray(tile, 3 * W);
        c40.intoArray(tile, 4 * W);
        c50.intoArray(tile, 5 * W);
        c60.intoArray(tile, 6 * W);
        c70.intoArray(tile, 7 * W);
    }

    private static void multiply4x2(float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        FloatVector c00 = FloatVector.zero(LANES);
        FloatVector c01 = FloatVector.zero(LANES);
        FloatVector c10 = FloatVector.zero(LANES);
        FloatVector c11 = FloatVector.zero(LANES);
        FloatVector c20 = FloatVector.zero(LANES);
        FloatVector c21 = FloatVector.zero(LANES);
        FloatVector c30 = FloatVector.zero(LANES);
        FloatVector c31 = FloatVector.zero(LANES);
        for (int i = 0; i < k; i++) {
            int bi = b0 + i * 2 * W;
            int ai = a0 + i * 4;
            FloatVector p0 = FloatVector.fromArray(LANES, b, bi);
            FloatVector p1 = FloatVector.fromArray(LANES, b, bi + W);
            FloatVector x;
            x = FloatVector.broadcast(LANES, a[ai]);
            c00 = x.fma(p0, c00);
            c01 = x.fma(p1, c01);
            x = FloatVector.broadcast(LANES, a[ai + 1]);
            c10 = x.fma(p0, c10);
            c11 = x.fma(p1, c11);
            x = FloatVector.broadcast(LANES, a[ai + 2]);
            c20 = x.fma(p0, c20);
            c21 = x.fma(p1, c21);
            x = FloatVector.broadcast(LANES, a[ai + 3]);
            c30 = x.fma(p0, c30);
            c31 = x.fma(p1, c31);
        }
        c00.intoArray(tile, 0);
        c01.intoArray(tile, W);
        c10.intoArray(tile, 2 * W);
        c11.intoArray(tile, 3 * W);
        c20.intoArray(tile, 4 * W);
        c21.intoArray(tile, 5 * W);
        c30.intoArray(tile, 6 * W);
        c31.intoArray(tile, 7 * W);
    }

    private static void multiply4x1(float[] a, int a0, float[] b, int b0, int k,
            float[] tile) {
        FloatVector c00 = FloatVector.zero(LANES);
        FloatVector c10 = FloatVector.zero(LANES);
        FloatVector c20 = FloatVector.zero(LANES);
        FloatVector c30 = FloatVector.zero(LANES);
        for (int i = 0; i < k; i++) {
            int bi = b0 + i * W;
            int ai = a0 + i * 4;
            FloatVector p0 = FloatVector.fromArray(LANES, b, bi);
            FloatVector x;
            x = FloatVector.broadcast(LANES, a[ai]);
            c00 = x.fma(p0, c00);
            x = FloatVector.broadcast(LANES, a[ai + 1]);
            c10 = x.fma(p0, c10);
            x = FloatVector.broadcast(LANES, a[ai + 2]);
            c20 = x.fma(p0, c20);
            x = FloatVector.broadcast(LANES, a[ai + 3]);
            c30 = x.fma(p0, c30);
        }
        c00.intoArray(tile, 0);
        c10.intoArray(tile, W);
        c20.intoArray(tile, 2 * W);
        c30.intoArray(tile, 3 * W);
    }
}
