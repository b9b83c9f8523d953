package dev.flywheel.store.core;

/** A rule of the store would have been broken: a bug of ours. Nothing was written. */
public final class BrokenInvariantException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public BrokenInvariantException(String message) {
        super(message);
    }

    /** Checked in production too: continuing on a broken rule would make it permanent. */
    public static void require(boolean holds, String message) {
        if (!holds) {
            throw new BrokenInvariantException(message);
        }
    }
}
