/**
 * The backward pass: gradients of adapters over a frozen base, or of everything for small models.
 *
 * <p>It works in units short enough to stop between, each a slice of the device loop. It may not know
 * where examples come from or what a loss is: callers hand in dL/dlogp and get log-probabilities.
 */
@NullMarked
package dev.flywheel.engine.training;

import org.jspecify.annotations.NullMarked;
