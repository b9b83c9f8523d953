/**
 * From scores to a slate with exact propensities.
 *
 * <p>It does no I/O and draws all randomness from a seed that is passed in.
 */
@NullMarked
package dev.flywheel.serving.rank;

import org.jspecify.annotations.NullMarked;
