package dev.flywheel.store.replica;

/** Told what becomes of a replica's entries; called from any thread, must not block. */
public interface ReplicaEvents {

    /** Nobody is told. */
    ReplicaEvents NONE = new ReplicaEvents() {};

    /** A blob's bytes were no longer the ones that its digest names, or could not be read: it was dropped. */
    default void damaged(String digest, String why) {}

    /** A blob went to make room; {@code wanted} if an alias that this node serves points to it. */
    default void evicted(String digest, boolean wanted) {}

    /** A blob is larger than the whole replica may be. */
    default void tooLarge(String digest, long bytes) {}

    /** The store said something older than it had said before, which is not followed. */
    default void older(String what) {}
}
