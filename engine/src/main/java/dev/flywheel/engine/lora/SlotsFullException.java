package dev.flywheel.engine.lora;

/** Every adapter slot is taken. */
public final class SlotsFullException extends RuntimeException {
    private static final long serialVersionUID = 1;

    SlotsFullException(int slots) {
        super("all " + slots + " adapter slots are taken; free one or start with more slots");
    }
}
