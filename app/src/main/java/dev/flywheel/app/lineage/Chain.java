package dev.flywheel.app.lineage;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The versions that a version descends from, itself first, down to version 0; with the manifests that made them. Keeps some numbers of
 * each manifest of the adapter.
 */
final class Chain {
    /** A manifest in short. */
    record Link(
            long seq,
            ManifestState state,
            long parent,
            long version,
            long examples,
            long feedback,
            long quarantined) {
        static Link of(ManifestSummary manifest) {
            return new Link(manifest.getSeq(), manifest.getState(), manifest.getParent(),
                    manifest.getVersion(), manifest.getExamples(), manifest.getFeedbackCount(),
                    manifest.getQuarantinedCount());
        }
    }

    private final List<Link> links;
    private final List<Link> failed;

    private Chain(List<Link> links, List<Link> failed) {
        this.links = List.copyOf(links);
        this.failed = List.copyOf(failed);
    }

    /** Reads the adapter's manifests. */
    static Chain of(StoreClient store, String adapter, long version) {
        Map<Long, Link> byVersion = new HashMap<>();
        List<Link> others = new ArrayList<>();
        store.listManifests(adapter, 0, manifest -> {
            Link link = Link.of(manifest);
            if (link.version() > 0) {
                byVersion.put(link.version(), link);
            } else {
                others.add(link);
            }
        });
        List<Link> links = new ArrayList<>();
        for (Link link = byVersion.get(version); link != null;) {
            links.add(link);
            link = link.parent() == 0 ? null : byVersion.get(link.parent());
        }
        return new Chain(links, failedBefore(links, others));
    }

    private static List<Link> failedBefore(List<Link> links, List<Link> others) {
        return links.isEmpty() ? List.of()
                : others.stream()
                        .filter(other -> other.parent() == links.getFirst().parent()
                                && other.seq() < links.getFirst().seq())
                        .toList();
    }

    /** Newest first. */
    List<Link> links() {
        return links;
    }

    /** Manifests with the same parent as the newest that made no version. */
    List<Link> failed() {
        return failed;
    }

    Learned learned() {
        return new Learned(links.size(), links.stream().mapToLong(Link::examples).sum(),
                links.stream().mapToLong(Link::feedback).sum()
                        - links.stream().mapToLong(Link::quarantined).sum());
    }
}
