package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.PairState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Result of one step of {@link Pairs}.
 *
 * @param state what is known of the answer now; null: nothing need be known any more
 */
public record PairStep(@Nullable PairState state, List<PairEffect> effects) {
    public PairStep {
        effects = List.copyOf(effects);
    }
}
