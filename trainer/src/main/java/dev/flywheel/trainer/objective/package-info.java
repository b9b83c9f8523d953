/**
 * Losses and their gradients, as pure functions.
 *
 * <p>An objective maps what the model said (log-probabilities of target tokens, or scores made of
 * them) and what is known (labels, weights, propensities) to a loss and its derivative by each
 * number that came in. No tensors, no I/O, no clock, no randomness; all arithmetic in double with
 * {@link StrictMath}, so that a round gives the same bits on every machine (P12).
 */
@NullMarked
package dev.flywheel.trainer.objective;

import org.jspecify.annotations.NullMarked;
