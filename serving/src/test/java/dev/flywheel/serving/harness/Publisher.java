package dev.flywheel.serving.harness;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.model.BaseModel;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Commits versions to a real store, as the round driver and a trainer would. */
public final class Publisher {
    public static final List<String> TARGETS = List.of("v_proj", "o_proj", "down_proj");
    public static final int RANK = 4;
    public static final double ALPHA = 8;

    private final StoreClient store;
    private final BaseModel base;

    public Publisher(StoreClient store, BaseModel base) {
        this.store = store;
        this.base = base;
    }

    public static LoraConfig config() {
        return LoraConfig.of(RANK, ALPHA, TARGETS);
    }

    /** Returns weights that change the base's answers visibly, each seed its own way. */
    public LoraWeights weights(long seed) {
        LoraWeights start = LoraWeights.start(config(), base.linearModules(), seed);
        SortedMap<String, LoraPair> pairs = new TreeMap<>(start.pairs());
        SplittableRandom random = new SplittableRandom(seed);
        pairs.values().forEach(pair -> {
            for (int i = 0; i < pair.b().length; i++) {
                pair.b()[i] = (float) random.nextDouble(-3, 3);
            }
        });
        return new LoraWeights(start.config(), pairs);
    }

    /** Creates an adapter whose version 0 changes nothing. */
    public void create(String name, String tenant) {
        byte[] start = LoraWeights.start(config(), base.linearModules(), 1).toSafetensors();
        store.createAdapter(CreateAdapterRequest.newBuilder()
                .setName(name)
                .setTenant(tenant)
                .setBaseDigest(base.digest().hex())
                .setLora(LoraSettings.newBuilder()
                        .setRank(RANK)
                        .setAlpha(ALPHA)
                        .addAllTargetModules(TARGETS))
                .setRound(RoundSettings.newBuilder()
                        .setLearningRate(1e-3)
                        .setEpsilon(1e-8)
                        .setSteps(1)
                        .setNormMax(1e9)
                        .setExamplesMax(8))
                .setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE)
                .setStartDigest(store.putBlob(start).getDigest())
                .build());
    }

    /** Commits a version and returns its number. */
    public long publish(String adapter, byte[] weights, String probeFingerprint) {
        return publish(adapter, weights, probeFingerprint, base.backend().fingerprint());
    }

    /** As above, by a trainer on another backend. */
    public long publish(String adapter, byte[] weights, String probeFingerprint, String backend) {
        AcquireEpochReply epoch = store.acquireEpoch(adapter, "test");
        long seq = epoch.getNextSeq();
        store.putManifest(PutManifestRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch.getEpoch())
                .setParent(epoch.getHead())
                .setBackend(backend)
                .addExamples(example(adapter, seq))
                .build());
        return store.putOutcome(PutOutcomeRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch.getEpoch())
                .setOutcome(Outcome.OUTCOME_COMMITTED)
                .setWeightsDigest(store.putBlob(weights).getDigest())
                .setOptimizerDigest(store.putBlob(new byte[] {1}).getDigest())
                .setProbeFingerprint(probeFingerprint)
                .build()).getVersion().getRef().getNumber();
    }

    private static Example example(String adapter, long seq) {
        return Example.newBuilder()
                .setExampleId(Digest.of(adapter + seq).hex())
                .setKind(ExampleKind.EXAMPLE_KIND_SFT)
                .setImpressionId("impression-" + seq)
                .setTenant("default")
                .setUser("user")
                .setAdapter(adapter)
                .addPromptIds(1)
                .addOptions(LabelledOption.newBuilder().setCandidateId("right").setLabel(1))
                .setWeight(1)
                .setSamplingRate(1)
                .setLabelledAtMillis(1)
                .build();
    }
}
