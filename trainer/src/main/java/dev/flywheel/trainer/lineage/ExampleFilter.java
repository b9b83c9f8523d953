package dev.flywheel.trainer.lineage;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import java.util.Set;

/**
 * Which examples a line is trained on.
 *
 * <p>Asked for the examples that a manifest claims and for those that it replays; one that was left out
 * where it was claimed is left out wherever it is replayed, without being asked for again.
 */
@FunctionalInterface
public interface ExampleFilter {
    boolean keeps(Manifest manifest, Example example);

    /** Leaves out what comes from these users. */
    static ExampleFilter withoutUsers(Set<String> users) {
        Set<String> left = Set.copyOf(users);
        return (manifest, example) -> !left.contains(example.getUser());
    }

    /** Leaves out all that these manifests claim. */
    static ExampleFilter withoutManifests(Set<Long> seqs) {
        Set<Long> left = Set.copyOf(seqs);
        return (manifest, example) -> !left.contains(manifest.getSeq());
    }

    /** Leaves out single examples. */
    static ExampleFilter withoutExamples(Set<String> exampleIds) {
        Set<String> left = Set.copyOf(exampleIds);
        return (manifest, example) -> !left.contains(example.getExampleId());
    }

    /** Leaves out what either leaves out. */
    default ExampleFilter and(ExampleFilter other) {
        return (manifest, example) -> keeps(manifest, example) && other.keeps(manifest, example);
    }
}
