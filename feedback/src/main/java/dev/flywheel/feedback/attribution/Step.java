package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.AttributionState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Result of one step.
 *
 * @param state what is known of the impression now; null: nothing need be known any more
 * @param changed whether that is not as before the step
 */
public record Step(@Nullable AttributionState state, boolean changed, List<Effect> effects) {
    public Step {
        effects = List.copyOf(effects);
    }

    static Step to(@Nullable AttributionState state, List<Effect> effects) {
        return new Step(state, true, effects);
    }

    static Step unchanged(@Nullable AttributionState state, List<Effect> effects) {
        return new Step(state, false, effects);
    }
}
