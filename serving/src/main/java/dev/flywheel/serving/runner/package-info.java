/**
 * The engine loop: takes requests in, runs planned steps on the device, samples, hands answers out.
 *
 * <p>It may not know a transport; who waits for an answer is told through futures and sinks.
 */
@NullMarked
package dev.flywheel.serving.runner;

import org.jspecify.annotations.NullMarked;
