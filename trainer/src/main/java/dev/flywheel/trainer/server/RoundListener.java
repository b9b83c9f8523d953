package dev.flywheel.trainer.server;

/** Hears of every round that ended, on the trainer's worker thread; must return at once. */
public interface RoundListener {
    /** Hears nothing. */
    RoundListener NONE = new RoundListener() {};

    /** The round ended with a reply. */
    default void ended(RoundReport report) {}

    /**
     * The round ended without one.
     *
     * @param code name of the gRPC status its callers got
     */
    default void failed(RoundKey key, String code) {}

    /** The worker thread has ended though nobody closed the trainer: it runs no round any more. */
    default void died() {}
}
