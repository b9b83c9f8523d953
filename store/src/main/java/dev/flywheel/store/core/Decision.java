package dev.flywheel.store.core;

import java.util.List;

/** What the rules say to a command. */
public sealed interface Decision<R> {

    /** Carried out once the facts are appended; no facts: the command changes nothing, its reply holds as it is. */
    record Accepted<R>(List<Fact> facts, R reply) implements Decision<R> {
        public Accepted {
            facts = List.copyOf(facts);
        }
    }

    record Refused<R>(Refusal refusal) implements Decision<R> {}
}
