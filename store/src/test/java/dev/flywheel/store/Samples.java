package dev.flywheel.store;

import dev.flywheel.api.v1.AcquireEpochRequest;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.UntrainableReason;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Valid requests, to be bent by the tests that need them otherwise. */
public final class Samples {
    public static final String ADAPTER = "news/ranker";
    public static final String BASE = digest("base");
    public static final byte[] START = bytes("start");

    private Samples() {}

    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    public static String digest(String text) {
        return digest(bytes(text));
    }

    public static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    public static CreateAdapterRequest create(String name) {
        return CreateAdapterRequest.newBuilder()
                .setName(name)
                .setTenant("news")
                .setBaseDigest(BASE)
                .setStartDigest(digest(START))
                .setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE)
                .setLora(LoraSettings.newBuilder()
                        .setRank(8)
                        .setAlpha(16)
                        .addTargetModules("q_proj")
                        .addTargetModules("v_proj"))
                .setRound(RoundSettings.newBuilder()
                        .setLearningRate(1e-3)
                        .setBeta1(0.9)
                        .setBeta2(0.999)
                        .setEpsilon(1e-8)
                        .setSteps(1)
                        .setGradientClip(1)
                        .setImportanceClip(10)
                        .setNormMax(100)
                        .setExamplesMax(64))
                .build();
    }

    /** Changes the learning rate and how clicks are learned from. */
    public static ConfigureAdapterRequest configure(AdapterRecord adapter) {
        return ConfigureAdapterRequest.newBuilder()
                .setName(adapter.getName())
                .setExpectedRevision(adapter.getRevision())
                .setRound(adapter.getRound().toBuilder().setLearningRate(2e-3))
                .setLearning(LearningSettings.newBuilder()
                        .setClick(SignalSettings.newBuilder().setLoss(Loss.LOSS_BINARY)))
                .setActor("operator")
                .setReason("because")
                .build();
    }

    public static DeleteAdapterRequest delete(String adapter, long revision) {
        return DeleteAdapterRequest.newBuilder()
                .setName(adapter)
                .setExpectedRevision(revision)
                .setActor("operator")
                .setReason("no longer wanted")
                .build();
    }

    public static AcquireEpochRequest epoch(String adapter) {
        return AcquireEpochRequest.newBuilder().setAdapter(adapter).setWriter("driver-1").build();
    }

    public static Example example(String adapter, String id) {
        return Example.newBuilder()
                .setExampleId(digest(id))
                .setKind(ExampleKind.EXAMPLE_KIND_LISTWISE)
                .setTenant("news")
                .setUser("user of " + id)
                .setImpressionId("impression of " + id)
                .setAdapter(adapter)
                .addFeedback(FeedbackKey.newBuilder().setSource("web").setFeedbackId(id))
                .addAllPromptIds(List.of(1, 2, 3))
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

    public static PutManifestRequest manifest(String adapter, long seq, long epoch, long parent,
            String... exampleIds) {
        return PutManifestRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch)
                .setParent(parent)
                .addAllExamples(Arrays.stream(exampleIds).map(id -> example(adapter, id)).toList())
                .setSeed(7)
                .setBackend("reference/1")
                .setAdapterRevision(1)
                .build();
    }

    public static PutOutcomeRequest committed(String adapter, long seq, long epoch, byte[] weights,
            byte[] optimizer) {
        return PutOutcomeRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch)
                .setOutcome(Outcome.OUTCOME_COMMITTED)
                .setWeightsDigest(digest(weights))
                .setOptimizerDigest(digest(optimizer))
                .setProbeFingerprint(digest("probe"))
                .setFigures(RoundFigures.newBuilder().setExamples(1).setLossBefore(0.7))
                .build();
    }

    public static PutOutcomeRequest ended(String adapter, long seq, long epoch, Outcome outcome) {
        return PutOutcomeRequest.newBuilder()
                .setAdapter(adapter)
                .setSeq(seq)
                .setEpoch(epoch)
                .setOutcome(outcome)
                .build();
    }

    public static UntrainableExample untrainable(String exampleId) {
        return UntrainableExample.newBuilder()
                .setExampleId(digest(exampleId))
                .setReason(UntrainableReason.UNTRAINABLE_REASON_TOO_LONG)
                .setDetail("its options take 9 tokens; the device takes 8")
                .build();
    }

    public static SetAliasRequest alias(String adapter, String alias, long version, long revision) {
        return SetAliasRequest.newBuilder()
                .setAdapter(adapter)
                .setAlias(alias)
                .setVersion(version)
                .setExpectedRevision(revision)
                .setActor("operator")
                .setReason("because")
                .build();
    }
}
