package dev.flywheel.serving.scheduler;

/** What became of a request that asked to be scheduled. */
public enum Admission {
    ACCEPTED,
    /** All tenants together have as many requests or tokens waiting as the node allows. */
    QUEUE_FULL,
    /** This tenant alone has as many requests in the node as it may. */
    TENANT_FULL,
    /** It would not fit into an empty cache: waiting cannot help. */
    TOO_LARGE
}
