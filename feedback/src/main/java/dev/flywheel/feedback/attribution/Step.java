package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.AttributionState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Result of one step.
 *
 * @param state what is known of the impression now; null: nothing need be known any more
 */
public record Step(@Nullable AttributionState state, List<Effect> effects) {
    public Step {
        effects = List.copyOf(effects);
    }
}
