package dev.flywheel.trainer.lineage;

/** A range of versions that cannot be trained again, or not here. */
public final class LineageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Why it cannot. */
    public enum Code {
        /** There is no such adapter or version. */
        NOT_FOUND,
        /** The range does not begin at an ancestor of its end. */
        NOT_AN_ANCESTOR,
        /** No ancestor to start from has its weights and optimizer state any more, or a manifest is gone. */
        NOT_KEPT,
        /** What is stored is not what its digest or the next record says. */
        BROKEN,
        /** The versions belong to another base model. */
        OTHER_BASE,
        /** The rounds' digests hold for another backend, instruction set, kernel version or round. */
        OTHER_BACKEND,
        /** The adapter does not fit the device's settings. */
        UNFIT,
        /** A check that an operator gave cannot tell the guilty rounds from the others. */
        CHECK_FAILS
    }

    private final Code code;

    LineageException(Code code, String message) {
        super(message);
        this.code = code;
    }

    LineageException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
