/** The loop's job on a real broker, a real Flink and a real store; only the trainer is a stand-in that is quick. */
@NullMarked
package dev.flywheel.itest.loop;

import org.jspecify.annotations.NullMarked;
