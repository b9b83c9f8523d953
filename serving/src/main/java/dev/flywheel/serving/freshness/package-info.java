/**
 * How fresh what is served is: when the newest feedback behind a version was given, and how long feedback takes until an answer
 * rests on it.
 *
 * <p>It knows neither transport nor clock: both are passed in.
 */
@NullMarked
package dev.flywheel.serving.freshness;

import org.jspecify.annotations.NullMarked;
