package dev.flywheel.serving.adapter;

import dev.flywheel.api.v1.VersionRecord;

/**
 * Where versions come from. Calls block; failures are {@link dev.flywheel.serving.error.ServingException}:
 * {@code LOADING} means that a later try may succeed, every other code that it will not.
 */
public interface VersionSource {

    /** Returns what the store says of a version. */
    VersionRecord version(String adapter, long number);

    /** Returns the bytes that a digest names. */
    byte[] blob(String digest);

    /** Returns the backend that the round of a manifest was bound to. */
    String backendOf(String adapter, long manifestSeq);

    /** Told that requests for an alias are answered with a version from now on; it was verified. Must not block. */
    default void answers(String alias, VersionRecord version) {}
}
