/**
 * Small host arrays and the device buffers they are copied to: ids, positions, coefficients.
 *
 * <p>Weights and activations never pass through here.
 */
@NullMarked
package dev.flywheel.engine.staging;

import org.jspecify.annotations.NullMarked;
