/**
 * Rounds outside of a node: versions trained again from what a store holds.
 *
 * <p>It reads a store and writes to none; what is computed is for {@code trainer}.
 */
@NullMarked
package dev.flywheel.app.rounds;

import org.jspecify.annotations.NullMarked;
