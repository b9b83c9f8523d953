/**
 * Randomness that two machines agree on: one small generator, defined here to the bit.
 *
 * <p>It may not draw entropy from anywhere; every value follows from the seed.
 */
@NullMarked
package dev.flywheel.adapters.random;

import org.jspecify.annotations.NullMarked;
