/**
 * Simulated users against the whole loop, over its ports alone.
 *
 * <p>Models of people are pure: a seed gives the same readers, clicks, delays and attacks on every machine, and none of them
 * reads a clock. What drives them moves the loop's clock, asks over gRPC, sends feedback over gRPC or Kafka, and looks at
 * nothing inside.
 */
@NullMarked
package dev.flywheel.app.simulate;

import org.jspecify.annotations.NullMarked;
