package dev.flywheel.app.bench.corruption;

import com.google.protobuf.MessageLite;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Everything that can be asked of a store, each answer as a digest; an answer of NOT_FOUND is an answer, a failure is not.
 *
 * <p>At last a writer takes an epoch and claims every example again: what the claims and withdrawals hold shows in what is
 * refused.
 */
final class Readings {
    private static final String FAILED = "failed: ";
    private static final int ALL = 1_000;

    private final SampleStore sample;
    private final Map<String, String> answers = new TreeMap<>();

    private Readings(SampleStore sample) {
        this.sample = sample;
    }

    static Map<String, String> of(StoreClient store, SampleStore sample, Collection<String> blobs) {
        Readings readings = new Readings(sample);
        readings.note("adapters", () -> list(store.listAllAdapters()));
        readings.note("summaries", () -> {
            List<ManifestSummary> all = new ArrayList<>();
            store.listManifests("", 0, all::add);
            return list(all);
        });
        blobs.forEach(blob -> readings.note("blob " + blob,
                () -> Digest.of(store.getBlob(blob)).hex()));
        SampleStore.ADAPTERS.forEach(adapter -> readings.read(store, adapter));
        SampleStore.ADAPTERS.forEach(adapter -> readings.claim(store, adapter));
        return readings.answers;
    }

    /** Every blob that a version of the store ever named. */
    static List<String> blobs(StoreClient store) {
        List<String> blobs = new ArrayList<>();
        for (String adapter : SampleStore.ADAPTERS) {
            for (VersionRecord version : store.listVersions(adapter, ALL)) {
                blobs.add(version.getRef().getDigest());
                if (!version.getOptimizerDigest().isEmpty()) {
                    blobs.add(version.getOptimizerDigest());
                }
            }
        }
        return blobs;
    }

    static boolean failed(String answer) {
        return answer.startsWith(FAILED);
    }

    private void read(StoreClient store, String adapter) {
        note(adapter, () -> one(store.getAdapter(adapter)));
        note(adapter + " versions", () -> list(store.listVersions(adapter, ALL)));
        note(adapter + " aliases", () -> list(store.listAliases(adapter)));
        note(adapter + " audit", () -> list(store.listAudit(adapter, ALL)));
        note(adapter + " open", () -> list(store.listOpenManifests(adapter)));
        for (long number = 0; number < 64; number++) {
            long wanted = number;
            note(adapter + " version " + number, () -> one(store.getVersion(adapter, wanted)));
            note(adapter + " manifest " + number,
                    () -> one(store.getManifest(adapter, wanted + 1)));
        }
    }

    private void claim(StoreClient store, String adapter) {
        note(adapter + " claims", () -> {
            AcquireEpochReply epoch = store.acquireEpoch(adapter, "reader");
            return one(epoch) + one(store.putManifest(sample.claimOfAll(adapter, epoch)));
        });
    }

    private void note(String question, Supplier<String> asking) {
        answers.put(question, answer(asking));
    }

    private static String answer(Supplier<String> asking) {
        try {
            return asking.get();
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode() == Status.Code.NOT_FOUND ? "not found"
                    : FAILED + refused.getStatus().getCode() + " "
                            + refused.getStatus().getDescription();
        }
    }

    private static String one(MessageLite message) {
        return Digest.of(message.toByteArray()).hex();
    }

    private static String list(List<? extends MessageLite> messages) {
        StringBuilder all = new StringBuilder();
        messages.forEach(message -> all.append(one(message)));
        return messages.size() + " " + Digest.of(all.toString()
                .getBytes(
                        java.nio.charset.StandardCharsets.UTF_8))
                .hex();
    }
}
