package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.RoundSettings;
import java.util.Comparator;
import java.util.List;

/**
 * Everything a round's result depends on, besides the base model and its anchors.
 *
 * @param examples in canonical order, by example id, whatever order they came in
 * @param replayed examples of earlier rounds that are trained on besides, likewise
 */
public record RoundInput(
        Parent parent,
        List<Example> examples,
        List<Example> replayed,
        long seed,
        RoundSettings settings) {
    public RoundInput {
        examples = inOrder(examples);
        replayed = inOrder(replayed);
    }

    /** A round without replayed examples. */
    public RoundInput(Parent parent, List<Example> examples, long seed, RoundSettings settings) {
        this(parent, examples, List.of(), seed, settings);
    }

    /** What a manifest says, on a parent that its caller has found to be the one it names. */
    static RoundInput of(Manifest manifest, Parent parent) {
        return new RoundInput(
                parent,
                manifest.getExamplesList(),
                manifest.getReplayedList(),
                manifest.getSeed(),
                manifest.getSettings());
    }

    private static List<Example> inOrder(List<Example> examples) {
        return examples.stream().sorted(Comparator.comparing(Example::getExampleId)).toList();
    }
}
