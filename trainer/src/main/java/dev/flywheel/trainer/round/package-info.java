/**
 * Rounds: the deterministic function (parent version, examples, seed, settings) to a candidate.
 *
 * <p>It may not read a clock, draw randomness that does not follow from the manifest's seed, reach
 * the store or the network, or let anything besides its inputs change a bit of its result (P12).
 * The stopwatch it is given only fills a figure.
 */
@NullMarked
package dev.flywheel.trainer.round;

import org.jspecify.annotations.NullMarked;
