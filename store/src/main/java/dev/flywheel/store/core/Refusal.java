package dev.flywheel.store.core;

import java.util.Map;

/**
 * Why a command was not carried out: the caller's mistake, or somebody else was faster.
 *
 * @param subject what it is about, e.g. {@code adapter news/ranker}
 * @param details for programs, e.g. expected and actual
 */
public record Refusal(Reason reason, String subject, String message, Map<String, String> details) {

    /** One name for each reason; the contract's {@code ErrorInfo.reason}. */
    public enum Reason {
        ADAPTER_NOT_FOUND,
        ADAPTER_EXISTS,
        ADAPTER_CONFLICT,
        VERSION_NOT_FOUND,
        VERSION_NOT_KEPT,
        MANIFEST_NOT_FOUND,
        VERSION_NOT_IN_LINEAGE,
        VERSION_NOT_ROLLED_BACK,
        VERSION_EXPIRED,
        STALE_EPOCH,
        REPAIR_BEGAN,
        NOTHING_TO_REPAIR,
        HEAD_MOVED,
        HEAD_CONFLICT,
        SEQ_TAKEN,
        SEQ_OUT_OF_RANGE,
        TOO_MANY_EXAMPLES,
        OUTCOME_DIFFERS,
        EXAMPLE_NOT_CLAIMED,
        BLOB_MISSING,
        ALIAS_CONFLICT,
        TOO_MANY_ADAPTERS,
        TOO_MANY_ALIASES,
        TOO_MANY_OPEN_MANIFESTS
    }

    public Refusal {
        details = Map.copyOf(details);
    }

    static Refusal of(Reason reason, String subject, String message) {
        return new Refusal(reason, subject, message, Map.of());
    }

    static Refusal conflict(Reason reason, String subject, String message, long expected,
            long actual) {
        return new Refusal(reason, subject, message,
                Map.of("expected", Long.toUnsignedString(expected),
                        "actual", Long.toUnsignedString(actual)));
    }

    static Refusal noAdapter(String name) {
        return of(Reason.ADAPTER_NOT_FOUND, "adapter " + name,
                "there is no adapter " + name
                        + "; create it first, or name one that was not deleted");
    }
}
