package dev.flywheel.trainer.adapter;

/** An adapter that was to be made anew under the name of a deleted one, which stays taken. */
public final class DeletedAdapterException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    DeletedAdapterException(String adapter, Throwable cause) {
        super("adapter %s was deleted and its name stays taken; choose another name"
                .formatted(adapter), cause);
    }
}
