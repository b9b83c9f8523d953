package dev.flywheel.engine.model;

/** Is told how much of a model has been read, about {@value #STEPS} times. */
@FunctionalInterface
public interface LoadProgress {
    /** How often it is told of a large model. */
    int STEPS = 20;

    /** For callers that show nothing. */
    LoadProgress NONE = (bytes, of) -> {};

    /** Takes the bytes read so far and those that there are, in configuration and weights together. */
    void read(long bytes, long of);
}
