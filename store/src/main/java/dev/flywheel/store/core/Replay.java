package dev.flywheel.store.core;

import com.google.protobuf.CodedOutputStream;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.VersionRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Draws what a round trains on besides its own examples, so that what was learned before is not forgotten: examples of the
 * manifests that made HEAD's ancestors.
 *
 * <p>First some of the last {@code replay_manifests} ancestors whose manifests are kept, each as likely, then some of their examples, each as likely.
 * Left out are those that were withdrawn since, that could not be trained on, and that are about an answer which the round
 * itself says something of. A function of the manifest's seed and what the view shows; every draw is made once, when the
 * manifest is claimed, and stands in it. Reads at most {@value #MANIFESTS_READ_MAX} manifests, and none beyond the bytes that
 * one may have.
 */
final class Replay {
    private static final int MANIFESTS_READ_MAX = 64;

    private final AdapterState adapter;
    private final Manifest manifest;
    private final CommitView view;
    private final int bytesMax;
    private final SeededRandom random;

    /** @param manifest as claimed, without what is drawn; with that it must not be larger than {@code bytesMax} */
    Replay(AdapterState adapter, Manifest manifest, CommitView view, int bytesMax) {
        this.adapter = adapter;
        this.manifest = manifest;
        this.view = view;
        this.bytesMax = bytesMax;
        this.random = new SeededRandom(manifest.getSeed()).split("replay");
    }

    List<Example> draw() {
        RoundSettings settings = manifest.getSettings();
        long wanted = Math.round(settings.getReplayShare() * manifest.getExamplesCount());
        // Each ancestor but version 0 has a manifest of its own.
        long depth = Math.min(Integer.toUnsignedLong(settings.getReplayManifests()),
                adapter.lineage().count() - 1);
        long kept = wanted == 0 ? 0 : ExpiryRules.kept(adapter, depth, view);
        return kept == 0 ? List.of() : take(shuffled(pool(wanted, (int) kept)), (int) wanted);
    }

    private List<Example> pool(long wanted, int depth) {
        Set<String> impressions = new HashSet<>();
        manifest.getExamplesList().forEach(example -> impressions.add(example.getImpressionId()));
        List<Example> pool = new ArrayList<>();
        long bytes = 0;
        for (int back : distinct((int) Math.min(wanted, MANIFESTS_READ_MAX), depth)) {
            for (Example example : trained(adapter.lineage().beforeLast(back))) {
                bytes += example.getSerializedSize();
                if (!impressions.contains(example.getImpressionId())) {
                    pool.add(example);
                }
            }
            if (bytes > bytesMax) {
                break;
            }
        }
        return pool;
    }

    /** So many different numbers from 0 to below {@code bound}; all if there are no more. */
    private Collection<Integer> distinct(int count, int bound) {
        Set<Integer> drawn = new LinkedHashSet<>();
        if (count >= bound) {
            for (int i = 0; i < bound; i++) {
                drawn.add(i);
            }
            return shuffled(new ArrayList<>(drawn));
        }
        while (drawn.size() < count) {
            drawn.add(random.nextInt(bound));
        }
        return drawn;
    }

    private List<Example> trained(long number) {
        VersionRecord version = view.version(adapter.name(), number);
        ManifestEntry entry = version == null ? null
                : view.manifestEntry(adapter.name(), version.getManifestSeq());
        if (entry == null) {
            return List.of();
        }
        PutOutcomeRequest outcome = entry.outcome();
        Set<String> untrainable = new HashSet<>();
        if (outcome != null) {
            outcome.getUntrainableList()
                    .stream()
                    .map(UntrainableExample::getExampleId)
                    .forEach(untrainable::add);
        }
        return view.examples(adapter.name(), entry.summary().getSeq())
                .stream()
                .filter(example -> !untrainable.contains(example.getExampleId()))
                .toList();
    }

    private <T> List<T> shuffled(List<T> list) {
        for (int i = list.size() - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            T moved = list.get(i);
            list.set(i, list.get(other));
            list.set(other, moved);
        }
        return list;
    }

    /** Asks for tombstones of no more than it needs. */
    private List<Example> take(List<Example> pool, int wanted) {
        List<Example> taken = new ArrayList<>();
        long bytes = manifest.getSerializedSize();
        for (int from = 0; from < pool.size() && taken.size() < wanted;) {
            int to = Math.min(pool.size(), from + wanted - taken.size());
            for (Example example : living(pool.subList(from, to))) {
                int more = CodedOutputStream.computeMessageSize(Manifest.REPLAYED_FIELD_NUMBER,
                        example);
                if (bytes + more <= bytesMax) {
                    bytes += more;
                    taken.add(example);
                }
            }
            from = to;
        }
        return taken;
    }

    private List<Example> living(List<Example> some) {
        Set<Tombstone> asked = new HashSet<>();
        some.forEach(example -> asked.addAll(Tombstone.withdrawing(example)));
        Set<Tombstone> withdrawn = view.tombstones(asked);
        return some.stream()
                .filter(example -> Tombstone.withdrawing(example)
                        .stream()
                        .noneMatch(withdrawn::contains))
                .toList();
    }
}
