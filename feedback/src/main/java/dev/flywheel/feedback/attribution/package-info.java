/**
 * Joins feedback with the impressions it is about and turns both into labelled examples. Pure: state
 * and event go in, state and effects come out; no I/O, no clock, no Flink.
 */
@NullMarked
package dev.flywheel.feedback.attribution;

import org.jspecify.annotations.NullMarked;
