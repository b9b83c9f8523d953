package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.UntrainableReason;

/** One example cannot be trained on; the others of its round can. */
final class UntrainableException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final UntrainableReason reason;

    UntrainableException(UntrainableReason reason, String detail) {
        super(detail);
        this.reason = reason;
    }

    UntrainableReason reason() {
        return reason;
    }

    String detail() {
        return String.valueOf(getMessage());
    }
}
