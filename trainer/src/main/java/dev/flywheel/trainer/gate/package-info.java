/**
 * The checks between a candidate and a version: pure rules over what was measured.
 *
 * <p>No I/O, no clock, no device; a refusal names the figure, its bound and what to do.
 */
@NullMarked
package dev.flywheel.trainer.gate;

import org.jspecify.annotations.NullMarked;
