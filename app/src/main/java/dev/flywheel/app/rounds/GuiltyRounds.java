package dev.flywheel.app.rounds;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.app.local.StartException;
import dev.flywheel.trainer.lineage.Bisection;
import dev.flywheel.trainer.lineage.ExampleFilter;
import dev.flywheel.trainer.lineage.LineageListener;
import dev.flywheel.trainer.lineage.LineageRange;
import dev.flywheel.trainer.lineage.LineageReplay;
import dev.flywheel.trainer.lineage.Retrained;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The rounds of a range that spoilt an adapter.
 *
 * @param from version before the first round, which passes the check
 * @param to version that fails it
 * @param rounds of the range
 * @param checks how often the check was asked
 * @param guilty what it takes to leave out for it to pass
 * @param innocent versions of the other rounds
 */
public record GuiltyRounds(
        String adapter,
        long from,
        long to,
        int rounds,
        int checks,
        List<Guilty> guilty,
        List<Long> innocent) {
    private static final int LISTED_MAX = 1_000;
    private static final int ATTEMPTS_MAX = 100;

    /**
     * A round that did it.
     *
     * @param version that it made
     * @param manifest that it trained
     * @param examples in it
     * @param users whose they are, pseudonyms
     * @param claimedAtMillis the store's clock, milliseconds since 1970
     */
    public record Guilty(
            long version,
            long manifest,
            int examples,
            List<String> users,
            long claimedAtMillis) {}

    /** Whether an adapter passes. */
    @FunctionalInterface
    public interface Check {
        /** @param weights canonical safetensors */
        boolean passes(byte[] weights);
    }

    /** Searches a range. */
    public static GuiltyRounds find(StoreClient store, LineageReplay replay, LineageRange range,
            int guiltyMax, Check check, LineageListener progress) {
        List<VersionRecord> versions = replay.versions(range);
        Bisection.Finding finding = Bisection.of(versions.size(), guiltyMax,
                line -> check.passes(
                        weights(replay, range, versions, line, progress)));
        Set<Integer> guilty = new HashSet<>(finding.guilty());
        return new GuiltyRounds(range.adapter(), range.from(), range.to(), versions.size(),
                finding.checks(),
                finding.guilty()
                        .stream()
                        .map(index -> told(store, range.adapter(), versions.get(index)))
                        .toList(),
                IntStream.range(0, versions.size())
                        .filter(index -> !guilty.contains(index))
                        .mapToObj(index -> versions.get(index).getRef().getNumber())
                        .toList());
    }

    private static byte[] weights(LineageReplay replay, LineageRange range,
            List<VersionRecord> versions, Bisection.Line line, LineageListener progress) {
        Set<Long> left = new HashSet<>();
        line.without().forEach(index -> left.add(versions.get(index).getManifestSeq()));
        int last = Math.max(1, line.rounds());
        ExampleFilter filter = line.rounds() == 0 ? (manifest, example) -> false
                : ExampleFilter.withoutManifests(left);
        Retrained trained = replay.without(
                new LineageRange(range.adapter(), range.from(),
                        versions.get(last - 1).getRef().getNumber()),
                filter, progress, () -> false);
        return trained.weights();
    }

    private static Guilty told(StoreClient store, String adapter, VersionRecord version) {
        Manifest manifest = store.getManifest(adapter, version.getManifestSeq());
        return new Guilty(version.getRef().getNumber(), manifest.getSeq(),
                manifest.getExamplesCount(),
                manifest.getExamplesList()
                        .stream()
                        .map(example -> example.getUser())
                        .distinct()
                        .sorted()
                        .toList(),
                manifest.getClaimedAtMillis());
    }

    /**
     * Takes the guilty rounds out of what the adapter has learned, and has it learn again those of the others that were taken out
     * with them. The node does the training.
     */
    public void apply(StoreClient store, String actor, String reason) {
        requireThere(store);
        List<Long> out = in(store, guilty.stream().map(Guilty::version).toList(),
                VersionState.VERSION_STATE_COMMITTED);
        if (!out.isEmpty()) {
            var unused = store.excise(ExciseRequest.newBuilder()
                    .setAdapter(adapter)
                    .addAllVersions(out)
                    .setExpectedHead(store.getAdapter(adapter).getHead())
                    .setActor(actor)
                    .setReason(reason)
                    .build());
        }
        List<Long> back = in(store, innocent, VersionState.VERSION_STATE_ROLLED_BACK);
        for (int from = 0; from < back.size(); from += LISTED_MAX) {
            readmit(store, back.subList(from, Math.min(back.size(), from + LISTED_MAX)), actor,
                    reason);
        }
    }

    /** A round that was trained again since stands in another version, which was not searched. */
    private void requireThere(StoreClient store) {
        for (Guilty one : guilty) {
            if (store.getVersion(adapter, one.version())
                    .getState() == VersionState.VERSION_STATE_REPLACED) {
                throw new StartException(
                        "version %d of %s was replaced meanwhile, so its round is in another one now; search again up to HEAD"
                                .formatted(one.version(), adapter));
            }
        }
    }

    /** HEAD moves on while rounds are trained again. */
    private void readmit(StoreClient store, List<Long> versions, String actor, String reason) {
        for (int left = ATTEMPTS_MAX;; left--) {
            try {
                var unused = store.readmit(ReadmitRequest.newBuilder()
                        .setAdapter(adapter)
                        .addAllVersions(versions)
                        .setExpectedHead(store.getAdapter(adapter).getHead())
                        .setActor(actor)
                        .setReason(reason)
                        .build());
                return;
            } catch (StatusRuntimeException refused) {
                if (refused.getStatus().getCode() != Status.Code.ABORTED || left == 0) {
                    throw refused;
                }
            }
        }
    }

    private List<Long> in(StoreClient store, List<Long> versions, VersionState state) {
        return versions.stream()
                .filter(version -> store.getVersion(adapter, version).getState() == state)
                .toList();
    }

    /** Returns it for a person. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Guilty one : guilty) {
            text.append("guilty: version %d of %s, made by manifest %d of %d examples of %s%n"
                    .formatted(one.version(), adapter, one.manifest(), one.examples(),
                            one.users()));
        }
        return text.append(guilty.isEmpty()
                ? "none of %d rounds after version %d is guilty: version %d passes".formatted(
                        rounds, from, to)
                : "%d rounds after version %d, %d checks; without the guilty ones it passes"
                        .formatted(rounds, from, checks))
                .toString();
    }
}
