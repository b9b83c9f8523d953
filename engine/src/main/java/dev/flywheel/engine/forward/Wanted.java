package dev.flywheel.engine.forward;

/** Which tokens of a chunk need logits. */
public enum Wanted {
    /** None: the chunk only fills the cache. */
    NONE,
    /** The last token, to choose the next one. */
    LAST,
    /** Every token, to score a text. */
    ALL
}
