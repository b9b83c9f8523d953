package dev.flywheel.trainer.gate;

/** What the gate decides about a candidate. */
public sealed interface Verdict {
    /** The candidate may become a version. */
    record Passed() implements Verdict {}

    /** It may not, and why: lower case, what was measured, what is allowed, what to do. */
    record Refused(String because) implements Verdict {}
}
