package dev.flywheel.feedback.kafka;

import dev.flywheel.api.v1.Heartbeat;

/** What a record of an event topic turned out to be. Reading one never throws. */
public sealed interface Intake<T> {
    /** An event as its schema wants it. */
    record Valid<T>(T event) implements Intake<T> {}

    /** Nothing happened, time went on. */
    record Beat<T>(Heartbeat heartbeat) implements Intake<T> {}

    /**
     * Not an event, or one that its schema forbids.
     *
     * @param problem what is wrong, naming field or header, for a person
     */
    record Malformed<T>(String problem) implements Intake<T> {}
}
