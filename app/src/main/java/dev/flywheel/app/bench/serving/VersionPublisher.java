package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.identity.Digest;
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

/** Makes synthetic adapters and versions of them known to a store, as operators and trainers do. */
public final class VersionPublisher {
    private final StoreClient store;
    private final BaseModel base;

    public VersionPublisher(StoreClient store, BaseModel base) {
        this.store = store;
        this.base = base;
    }

    /** Makes an adapter; version 0, which serves, has these weights. */
    public void create(String name, LoraWeights weights) {
        var unused = store.createAdapter(CreateAdapterRequest.newBuilder()
                .setName(name)
                .setBaseDigest(base.digest().hex())
                .setLora(LoraSettings.newBuilder()
                        .setRank(SyntheticAdapters.RANK)
                        .setAlpha(SyntheticAdapters.ALPHA)
                        .addAllTargetModules(SyntheticAdapters.TARGETS))
                .setRound(RoundSettings.newBuilder()
                        .setLearningRate(1e-3)
                        .setEpsilon(1e-8)
                        .setSteps(1)
                        .setNormMax(1e9)
                        .setExamplesMax(8))
                .setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE)
                .setStartDigest(store.putBlob(weights.toSafetensors()).getDigest())
                .build());
    }

    /**
     * Commits a version as a trainer does, with the steps of a round; it serves from then on.
     *
     * @param fingerprint of its probe on this backend
     */
    public long publish(String name, LoraWeights weights, String fingerprint) {
        return publishBytes(name, weights.toSafetensors(), fingerprint);
    }

    /** As above, with weights as a trainer that is out of order may write them. */
    public long publishBytes(String name, byte[] weights, String fingerprint) {
        AcquireEpochReply epoch = store.acquireEpoch(name, "bench");
        long seq = epoch.getNextSeq();
        var unused = store.putManifest(PutManifestRequest.newBuilder()
                .setAdapter(name)
                .setSeq(seq)
                .setEpoch(epoch.getEpoch())
                .setParent(epoch.getHead())
                .setBackend(base.backend().fingerprint())
                .addExamples(example(name, seq))
                .build());
        return store.putOutcome(PutOutcomeRequest.newBuilder()
                .setAdapter(name)
                .setSeq(seq)
                .setEpoch(epoch.getEpoch())
                .setOutcome(Outcome.OUTCOME_COMMITTED)
                .setWeightsDigest(store.putBlob(weights).getDigest())
                .setOptimizerDigest(store.putBlob(new byte[] {1}).getDigest())
                .setProbeFingerprint(fingerprint)
                .build()).getVersion().getRef().getNumber();
    }

    private static Example example(String adapter, long seq) {
        return Example.newBuilder()
                .setExampleId(Digest.of(adapter + seq).hex())
                .setKind(ExampleKind.EXAMPLE_KIND_SFT)
                .setImpressionId("bench-" + seq)
                .setTenant("default")
                .setUser("bench")
                .setAdapter(adapter)
                .addPromptIds(1)
                .addOptions(LabelledOption.newBuilder().setCandidateId("right").setLabel(1))
                .setWeight(1)
                .setSamplingRate(1)
                .setLabelledAtMillis(1)
                .build();
    }
}
