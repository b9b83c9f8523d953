package dev.flywheel.app.bench.corruption;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.SetAliasRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Fills a store through its services with a bit of everything: rounds that were committed, rejected, abandoned and are open,
 * blobs, aliases, withdrawals, an adapter that was deleted.
 *
 * <p>What is written follows from the seed and from how often it was called before.
 */
final class SampleStore {
    static final List<String> ADAPTERS = List.of("bench/one", "bench/two");
    static final String DELETED = "bench/gone";

    private static final int EXAMPLES = 6;
    private static final int BLOB_BYTES = 6_000;

    private final SeededRandom random;
    private final List<Example> claimed = new ArrayList<>();
    private int names;

    SampleStore(long seed) {
        this.random = new SeededRandom(seed).split("store");
    }

    /** Every example that was ever put into a manifest, to be asked for again. */
    List<Example> claimed() {
        return claimed;
    }

    void create(StoreClient store) {
        for (String name : ADAPTERS) {
            create(store, name);
        }
        create(store, DELETED);
        store.deleteAdapter(DeleteAdapterRequest.newBuilder()
                .setName(DELETED)
                .setExpectedRevision(store.getAdapter(DELETED).getRevision())
                .setActor("bench")
                .build());
    }

    private void create(StoreClient store, String name) {
        byte[] start = blob();
        store.putBlob(start);
        store.createAdapter(CreateAdapterRequest.newBuilder()
                .setName(name)
                .setTenant("bench")
                .setBaseDigest(digest("base"))
                .setStartDigest(digest(start))
                .setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE)
                .setLora(LoraSettings.newBuilder()
                        .setRank(4)
                        .setAlpha(8)
                        .addTargetModules("q_proj"))
                .setRound(RoundSettings.newBuilder()
                        .setLearningRate(1e-3)
                        .setBeta1(0.9)
                        .setBeta2(0.999)
                        .setEpsilon(1e-8)
                        .setSteps(1)
                        .setImportanceClip(10)
                        .setNormMax(100)
                        .setExamplesMax(1_024)
                        .setReplayShare(0.5)
                        .setReplayManifests(4))
                .build());
    }

    /** So many rounds of each adapter; every fifth is rejected, every seventh abandoned, the last one stays open. */
    void rounds(StoreClient store, int count) {
        for (String adapter : ADAPTERS) {
            AcquireEpochReply epoch = store.acquireEpoch(adapter, "bench");
            long head = epoch.getHead();
            long seq = epoch.getNextSeq();
            for (int round = 1; round <= count; round++, seq++) {
                store.putManifest(manifest(adapter, seq, epoch.getEpoch(), head));
                if (round < count) {
                    head = end(store, adapter, seq, epoch.getEpoch());
                }
            }
            store.withdraw(FeedbackKey.newBuilder()
                    .setSource("bench")
                    .setFeedbackId("withdrawn " + adapter + seq)
                    .build());
            store.setAlias(SetAliasRequest.newBuilder()
                    .setAdapter(adapter)
                    .setAlias("kept" + seq)
                    .setVersion(head)
                    .setActor("bench")
                    .build());
        }
    }

    /** Ends what the last call left open, as a driver does that comes back. */
    void recover(StoreClient store) {
        for (String adapter : ADAPTERS) {
            long epoch = store.acquireEpoch(adapter, "bench").getEpoch();
            store.listOpenManifests(adapter)
                    .forEach(open -> end(store, adapter, open.getSeq(), epoch));
        }
    }

    private PutManifestRequest manifest(String adapter, long seq, long epoch, long parent) {
        PutManifestRequest.Builder manifest = PutManifestRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch)
                .setParent(parent)
                .setSeed(random.nextLong())
                .setBackend("reference/1")
                .setAdapterRevision(1);
        for (int i = 0; i < EXAMPLES; i++) {
            Example example = example(adapter);
            claimed.add(example);
            manifest.addExamples(example);
        }
        return manifest.build();
    }

    /** A claim of everything that was ever claimed, and of one example more. */
    PutManifestRequest claimOfAll(String adapter, AcquireEpochReply epoch) {
        PutManifestRequest.Builder manifest = PutManifestRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(epoch.getNextSeq())
                .setEpoch(epoch.getEpoch())
                .setParent(epoch.getHead())
                .setBackend("reference/1")
                .setAdapterRevision(1);
        claimed.stream()
                .filter(example -> example.getAdapter().equals(adapter))
                .forEach(manifest::addExamples);
        Example fresh = example(adapter, Integer.MAX_VALUE);
        return manifest.addExamples(fresh).build();
    }

    private Example example(String adapter) {
        return example(adapter, names++);
    }

    private static Example example(String adapter, int number) {
        String name = adapter + " " + number;
        return Example.newBuilder()
                .setExampleId(digest(name))
                .setKind(ExampleKind.EXAMPLE_KIND_LISTWISE)
                .setTenant("bench")
                .setUser("user " + number % 17)
                .setImpressionId("impression of " + name)
                .setAdapter(adapter)
                .addFeedback(FeedbackKey.newBuilder().setSource("bench").setFeedbackId(name))
                .addAllPromptIds(List.of(1, 2, 3, number & 0xff))
                .addOptions(LabelledOption.newBuilder()
                        .setCandidateId("a")
                        .addIds(4)
                        .setLabel(1)
                        .setPropensity(0.5))
                .addOptions(LabelledOption.newBuilder()
                        .setCandidateId("b")
                        .addIds(5)
                        .setPropensity(0.5)
                        .setPlace(1))
                .setWeight(1)
                .setSamplingRate(1)
                .build();
    }

    private long end(StoreClient store, String adapter, long seq, long epoch) {
        PutOutcomeRequest.Builder outcome = PutOutcomeRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch);
        if (seq % 5 == 0) {
            outcome.setOutcome(Outcome.OUTCOME_REJECTED);
        } else if (seq % 7 == 0) {
            outcome.setOutcome(Outcome.OUTCOME_ABANDONED);
        } else {
            byte[] weights = blob();
            byte[] optimizer = blob();
            store.putBlob(weights);
            store.putBlob(optimizer);
            outcome.setOutcome(Outcome.OUTCOME_COMMITTED)
                    .setWeightsDigest(digest(weights))
                    .setOptimizerDigest(digest(optimizer))
                    .setProbeFingerprint(digest("probe"))
                    .setFigures(RoundFigures.newBuilder().setExamples(EXAMPLES));
        }
        return store.putOutcome(outcome.build()).getHead();
    }

    private byte[] blob() {
        byte[] blob = new byte[BLOB_BYTES];
        for (int i = 0; i < blob.length; i++) {
            blob[i] = (byte) random.nextInt(256);
        }
        return blob;
    }

    private static String digest(String text) {
        return digest(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String digest(byte[] bytes) {
        return Digest.of(bytes).hex();
    }
}
