package dev.flywheel.engine.backend;

/**
 * Shape of one attention call.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; query head {@code h} reads key head {@code h / (heads / kvHeads)}
 * @param headDim elements of a head
 * @param scale factor on the dot products, usually {@code 1 / sqrt(headDim)}
 * @param window a row sees keys at most {@code window - 1} positions before its own; 0: all
 * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0: off
 */
public record AttentionShape(
        int heads,
        int kvHeads,
        int headDim,
        float scale,
        int window,
        float softCap) {
    public AttentionShape {
        if (heads <= 0 || kvHeads <= 0 || headDim <= 0 || heads % kvHeads != 0) {
            throw new IllegalArgumentException(
                    "attention needs heads divisible by kvHeads, got heads "
                            + heads
                            + ", kvHeads "
                            + kvHeads
                            + ", headDim "
                            + headDim);
        }
    }

    public int queryDim() {
        return heads * headDim;
    }

    public int kvDim() {
        return kvHeads * headDim;
    }
}
