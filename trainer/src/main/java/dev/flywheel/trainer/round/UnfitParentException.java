package dev.flywheel.trainer.round;

/** The parent's weights or optimizer state are not for this base model or this device. */
public final class UnfitParentException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnfitParentException(IllegalArgumentException cause) {
        super(cause.getMessage(), cause);
    }
}
