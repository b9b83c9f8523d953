/**
 * Event time: how far it has got, by what the nodes that answer tell of themselves. Pure: nothing here reads a clock.
 */
@NullMarked
package dev.flywheel.feedback.time;

import org.jspecify.annotations.NullMarked;
