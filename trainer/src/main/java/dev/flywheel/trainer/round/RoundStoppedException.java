package dev.flywheel.trainer.round;

/** Nobody waits for the round any more; it stopped between two units and left nothing behind. */
public final class RoundStoppedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    RoundStoppedException() {
        super("the round was stopped: its callers no longer wait");
    }
}
