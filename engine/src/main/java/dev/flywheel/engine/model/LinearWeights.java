package dev.flywheel.engine.model;

import dev.flywheel.engine.backend.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * One linear module on the device; the same record holds gradients, then F32.
 *
 * @param weight [out, in]
 * @param bias [out], or null where the family has none
 */
public record LinearWeights(Buffer weight, @Nullable Buffer bias, int in, int out) {}
