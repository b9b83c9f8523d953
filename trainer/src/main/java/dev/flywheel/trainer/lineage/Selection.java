package dev.flywheel.trainer.lineage;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Takes manifest after manifest, in the order of a line, and leaves out what a filter does not keep. */
final class Selection {
    private final ExampleFilter filter;
    private final Set<String> left = new HashSet<>();

    Selection(ExampleFilter filter) {
        this.filter = filter;
    }

    /** What is left of a manifest, which may be no example at all. */
    Manifest of(Manifest manifest) {
        return manifest.toBuilder()
                .clearExamples()
                .addAllExamples(kept(manifest, manifest.getExamplesList()))
                .clearReplayed()
                .addAllReplayed(kept(manifest, manifest.getReplayedList()))
                .build();
    }

    private List<Example> kept(Manifest manifest, List<Example> examples) {
        List<Example> kept = new ArrayList<>();
        for (Example example : examples) {
            if (left.contains(example.getExampleId()) || !filter.keeps(manifest, example)) {
                left.add(example.getExampleId());
            } else {
                kept.add(example);
            }
        }
        return kept;
    }
}
