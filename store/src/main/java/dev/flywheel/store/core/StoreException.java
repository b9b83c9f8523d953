package dev.flywheel.store.core;

/** The store cannot do what its contract says, through no fault of the caller. */
public final class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong; a metric label, and mapped to a status in one place. */
    public enum Kind {
        /** Another process has the folder open. */
        IN_USE,
        /** Written by a newer program. */
        FORMAT_TOO_NEW,
        /** Stored bytes are not the ones that were written. */
        CORRUPT,
        /** No space is left; reopening helps once there is some. */
        DISK_FULL,
        /** Any other failure of the disk; reopening may help. */
        IO,
        /** Closed, or not yet open again after an I/O error. */
        UNAVAILABLE,
        /** Too many commands wait already. */
        OVERLOADED
    }

    private final Kind kind;

    public StoreException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public StoreException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /** Whether the log takes no more writes until it is opened again. */
    public boolean needsReopen() {
        return kind == Kind.IO || kind == Kind.DISK_FULL || kind == Kind.UNAVAILABLE;
    }
}
