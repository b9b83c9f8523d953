package dev.flywheel.engine.model;

/** Is told how far a model is loaded, about {@value #STEPS} times. */
@FunctionalInterface
public interface LoadProgress {
    /** How often it is told of a large model. */
    int STEPS = 100;

    /** For callers that show nothing. */
    LoadProgress NONE = (bytes, of) -> {};

    /**
     * Takes the bytes gone through so far and those that there are: configuration and weights once, and
     * once more what is quantized.
     */
    void read(long bytes, long of);
}
