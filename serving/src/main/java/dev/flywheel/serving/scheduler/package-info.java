/**
 * Which rows the next forward pass computes: waiting and running requests, fair shares, bounds.
 *
 * <p>It does no I/O, reads no clock and knows no engine: sequences are token counts and block counts.
 */
@NullMarked
package dev.flywheel.serving.scheduler;

import org.jspecify.annotations.NullMarked;
