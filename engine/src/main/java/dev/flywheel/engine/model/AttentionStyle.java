package dev.flywheel.engine.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model's attention does beyond plain causal attention.
 *
 * @param queryScalar dot products are divided by its square root; usually the head's size
 * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0: off
 * @param windows for each layer how many positions a row sees, its own included, 0 for all; empty if
 *     no layer has a window
 * @param windowedRope the rotation in layers with a window, null where it is the same in all
 */
public record AttentionStyle(
        double queryScalar,
        float softCap,
        List<Integer> windows,
        @Nullable Rope windowedRope) {
    public AttentionStyle {
        windows = windows.stream().allMatch(window -> window == 0)
                ? List.of()
                : List.copyOf(windows);
    }

    /** Returns plain causal attention over heads of a size. */
    public static AttentionStyle plain(int headDim) {
        return new AttentionStyle(headDim, 0, List.of(), null);
    }

    /** Returns the positions a row of the layer sees, its own included; 0 for all. */
    public int window(int layer) {
        return windows.isEmpty() ? 0 : windows.get(layer);
    }
}
