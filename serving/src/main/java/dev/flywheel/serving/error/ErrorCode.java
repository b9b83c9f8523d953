package dev.flywheel.serving.error;

/**
 * Why a request was not answered. The name is what clients see as {@code ErrorInfo.reason}, what
 * metrics are labelled with, and what the transport maps to a status.
 */
public enum ErrorCode {
    /** A field of the request is missing, malformed or out of range. */
    BAD_FIELD,
    /** The text and the answer do not fit into the model's context. */
    CONTEXT_TOO_LONG,
    /** The caller's credential does not reach so far. */
    AUTH,
    /** There is no such adapter, alias or version for this tenant. */
    ADAPTER_NOT_FOUND,
    /** The version exists but did not pass verification on this node. */
    ADAPTER_NOT_SERVABLE,
    /** The version's bytes are not the ones that its digest names. */
    ARTIFACT_CORRUPT,
    /** All tenants together have too much waiting. */
    QUEUE_FULL,
    /** This tenant has too much in the node. */
    TENANT_QUOTA,
    /** This adapter has as many requests in the node as its quota allows. */
    ADAPTER_QUOTA,
    /** The node is going away. */
    DRAINING,
    /** What is asked for is not loaded yet, or its source does not answer. */
    LOADING,
    /** Kafka did not acknowledge a feedback event. */
    FEEDBACK_NOT_TAKEN,
    /** This server does not offer the call, and is not going to. */
    NOT_OFFERED,
    /** The caller's time is over. */
    DEADLINE,
    /** The caller went away or stopped reading. */
    CANCELLED,
    /** A fault of ours. */
    INTERNAL
}
