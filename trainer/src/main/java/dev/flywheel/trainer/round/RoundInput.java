package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.RoundSettings;
import java.util.Comparator;
import java.util.List;

/**
 * Everything a round's result depends on, besides the base model and its anchors.
 *
 * @param examples in canonical order, by example id, whatever order they came in
 */
public record RoundInput(Parent parent, List<Example> examples, long seed, RoundSettings settings) {
    public RoundInput {
        examples =
                examples.stream().sorted(Comparator.comparing(Example::getExampleId)).toList();
    }
}
