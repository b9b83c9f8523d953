package dev.flywheel.engine.training;

import dev.flywheel.engine.backend.Buffer;

/**
 * One module's adapter in training.
 *
 * @param a [rank, in]
 * @param b [out, rank]
 * @param gradientA [rank, in]
 * @param gradientB [out, rank]
 */
record AdapterPart(
        int rank,
        int in,
        int out,
        float scale,
        Buffer a,
        Buffer b,
        Buffer gradientA,
        Buffer gradientB) {}
