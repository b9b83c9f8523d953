package dev.flywheel.app.rounds;

import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.rounds.ForgettingCertificate.OfAdapter;
import dev.flywheel.trainer.lineage.ExampleFilter;
import dev.flywheel.trainer.lineage.LineageListener;
import dev.flywheel.trainer.lineage.LineageRange;
import dev.flywheel.trainer.lineage.LineageReplay;
import dev.flywheel.trainer.lineage.LineageSource;
import dev.flywheel.trainer.lineage.Retrained;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Holds a certificate against the store: the manifests that had the user are trained again without the certificate's examples,
 * from the version before them, and have to end with the very bytes that the adapter had after forgetting.
 *
 * @param identical whether all do, and all digests of the certificate are those of the records
 */
public record CertificateCheck(String user, boolean identical, List<OfOne> adapters) {

    /**
     * What came of an adapter.
     *
     * @param trainedAgain digest of the weights that the replay ended with
     * @param expired rounds before them that were taken out, for nobody could train them again
     * @param problem why it is not what the certificate says; null if it is
     */
    public record OfOne(
            String adapter,
            long base,
            long before,
            long after,
            long rounds,
            int examplesLeftOut,
            String trainedAgain,
            long expired,
            @Nullable String problem) {}

    /** Trains every adapter of the certificate again. */
    public static CertificateCheck of(ForgettingCertificate certificate, LineageSource source,
            LineageReplay replay, LineageListener progress) {
        List<OfOne> checked = new ArrayList<>();
        for (OfAdapter adapter : certificate.adapters()) {
            checked.add(of(adapter, source, replay, progress));
        }
        return new CertificateCheck(certificate.user(),
                checked.stream().allMatch(one -> one.problem() == null), checked);
    }

    private static OfOne of(OfAdapter adapter, LineageSource source, LineageReplay replay,
            LineageListener progress) {
        String trained = adapter.baseDigest();
        int rounds = 0;
        LineageRange range =
                new LineageRange(adapter.adapter(), adapter.base(), adapter.before());
        // Where all that there was is too old nothing was trained again.
        if (adapter.before() > adapter.base() && adapter.rounds() > 0) {
            requireOthers(adapter, range, source, replay);
            Retrained again = replay.without(range, adapter.expired(),
                    ExampleFilter.withoutExamples(new HashSet<>(adapter.exampleIds())), progress,
                    () -> false);
            trained = again.last().weights();
            rounds = again.rounds().size();
        }
        return new OfOne(adapter.adapter(), adapter.base(), adapter.before(), adapter.after(),
                rounds, adapter.exampleIds().size(), trained, adapter.expired(),
                problem(adapter, source, trained));
    }

    /** What others have had erased since was trained on then, and cannot be any more. */
    private static void requireOthers(OfAdapter adapter, LineageRange range, LineageSource source,
            LineageReplay replay) {
        for (VersionRecord version : replay.versions(range, adapter.expired())) {
            Manifest manifest = source.manifest(adapter.adapter(), version.getManifestSeq());
            if (manifest != null && !adapter.exampleIds().containsAll(manifest.getErasedList())) {
                throw new StartException(
                        "it can no longer be told: version %d of %s learned from somebody who was forgotten since, and what they said is gone"
                                .formatted(version.getRef().getNumber(), adapter.adapter()));
            }
        }
    }

    private static @Nullable String problem(OfAdapter adapter, LineageSource source,
            String trained) {
        for (var recorded : List.of(new Recorded(adapter.before(), adapter.beforeDigest()),
                new Recorded(adapter.base(), adapter.baseDigest()),
                new Recorded(adapter.after(), adapter.afterDigest()))) {
            var version = source.version(adapter.adapter(), recorded.version());
            if (version == null || !version.getRef().getDigest().equals(recorded.digest())) {
                return "version %d has digest %s in the certificate, %s in the store".formatted(
                        recorded.version(), recorded.digest(),
                        version == null ? "none" : version.getRef().getDigest());
            }
        }
        return trained.equals(adapter.afterDigest()) ? null
                : "trained again it ends with %s, the certificate says %s".formatted(trained,
                        adapter.afterDigest());
    }

    private record Recorded(long version, String digest) {}

    private static String taken(long expired) {
        return expired == 0 ? ""
                : "; the %d rounds before them were older than store.manifests_kept and taken out"
                        .formatted(expired);
    }

    /** Returns it for a person. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (OfOne one : adapters) {
            text.append(one.problem() == null
                    ? "identical: %d rounds of %s after version %d, trained again without %d examples, end with version %d bit for bit%s%n"
                            .formatted(one.rounds(), one.adapter(), one.base(),
                                    one.examplesLeftOut(), one.after(), taken(one.expired()))
                    : "different: %s: %s%n".formatted(one.adapter(), one.problem()));
        }
        return (adapters.isEmpty() ? "no adapter had learned from %s".formatted(user)
                : text.toString()).strip();
    }
}
