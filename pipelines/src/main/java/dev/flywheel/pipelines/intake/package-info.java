/**
 * From records of the event topics to events, and from refusals to records of the dead-letter topics.
 */
@NullMarked
package dev.flywheel.pipelines.intake;

import org.jspecify.annotations.NullMarked;
