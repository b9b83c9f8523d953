package dev.flywheel.engine.backend.cpu;

/**
 * One side of a product C [m, n] = sum over k of left [m, k] * right [n, k].
 *
 * @param buffer the matrix, row-major
 * @param rows m or n: rows or columns of the product
 * @param depth k, summed over
 * @param alongDepth whether the matrix is stored [rows, depth], else [depth, rows]
 */
record Operand(CpuBuffer buffer, int rows, int depth, boolean alongDepth) {}
