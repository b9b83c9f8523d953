package dev.flywheel.trainer.round;

/** A clock that only measures how long the device was used; its readings never reach a result. */
@FunctionalInterface
public interface Stopwatch {
    /** Returns nanoseconds since any fixed moment. */
    long nanos();
}
