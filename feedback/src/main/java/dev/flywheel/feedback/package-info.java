/**
 * Events, tokens, attribution, guard and evaluation as pure code; topics and serdes.
 *
 * <p>It may use {@code api} and {@code adapters}; it may not run a server or touch Flink.
 * Attribution and guard may not do I/O, read a clock, or drop an event without counting it.
 */
@NullMarked
package dev.flywheel.feedback;

import org.jspecify.annotations.NullMarked;
