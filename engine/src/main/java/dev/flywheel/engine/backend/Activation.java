package dev.flywheel.engine.backend;

/** Gate function of a feed-forward layer. */
public enum Activation {
    /** {@code x * sigmoid(x)}. */
    SILU,
    /** The tanh approximation of GELU. */
    GELU_TANH
}
