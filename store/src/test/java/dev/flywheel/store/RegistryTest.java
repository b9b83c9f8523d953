package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.ResourceInfo;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What callers see: aliases that one of many wins, and errors that say what to do. */
class RegistryTest {
    @TempDir Path folder;

    private RunningStore running;
    private long epoch;

    @BeforeEach
    void open() {
        Limits limits = new Limits(10, 8, 4, 64, 64 << 10, 1 << 20, 2 << 20, 100, 2, 100, 256, 200);
        running = new RunningStore(folder, new StoreSettings(Retention.DEFAULT, limits));
        epoch = running.createAdapter(ADAPTER);
    }

    @AfterEach
    void close() {
        running.close();
    }

    private static StatusRuntimeException failure(ThrowingCallable call) {
        return catchThrowableOfType(StatusRuntimeException.class, call);
    }

    private static <T extends Message> T detail(StatusRuntimeException failure, Class<T> type) {
        for (Any any : StatusProto.fromThrowable(failure).getDetailsList()) {
            if (any.is(type)) {
                try {
                    return any.unpack(type);
                } catch (InvalidProtocolBufferException broken) {
                    throw new AssertionError(broken);
                }
            }
        }
        throw new AssertionError("no " + type.getSimpleName() + " in " + failure);
    }

    @Test
    void ofManyWhoMoveOneAliasOneWins() {
        running.commitRound(ADAPTER, 1, epoch, 0, "e1");
        int racers = 16;
        for (long revision = 0; revision < 10; revision++) {
            List<CompletableFuture<AliasRecord>> moves = new ArrayList<>();
            for (int racer = 0; racer < racers; racer++) {
                moves.add(running.client.setAliasAsync(
                        Samples.alias(ADAPTER, "contested", racer % 2, revision)
                                .toBuilder()
                                .setActor("racer " + racer)
                                .build()));
            }
            List<StatusRuntimeException> lost = new ArrayList<>();
            List<AliasRecord> won = new ArrayList<>();
            for (CompletableFuture<AliasRecord> move : moves) {
                move.handle((record, failure) -> failure == null ? won.add(record)
                        : lost.add((StatusRuntimeException) failure)).join();
            }
            assertThat(won).hasSize(1);
            assertThat(won.get(0).getRevision()).isEqualTo(revision + 1);
            long expected = revision;
            assertThat(lost).hasSize(racers - 1).allSatisfy(failure -> {
                assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.ABORTED);
                ErrorInfo info = detail(failure, ErrorInfo.class);
                assertThat(info.getReason()).isEqualTo("ALIAS_CONFLICT");
                assertThat(info.getDomain()).isEqualTo("flywheel");
                assertThat(info.getMetadataMap())
                        .containsEntry("expected", String.valueOf(expected))
                        .containsEntry("actual", String.valueOf(expected + 1));
            });
        }
        List<AuditEntry> audit = running.client.listAudit(ADAPTER, 100)
                .stream()
                .filter(entry -> entry.getAlias().equals("contested"))
                .toList();
        assertThat(audit).hasSize(10);
        for (int i = 1; i < audit.size(); i++) {
            assertThat(audit.get(i - 1).getFromVersion()).isEqualTo(audit.get(i).getToVersion());
        }
    }

    @Test
    void theWayBackIsNamedAndAudited() {
        running.commitRound(ADAPTER, 1, epoch, 0, "e1");
        AliasRecord back = running.client.setAlias(Samples.alias(ADAPTER, "serving", 0, 2));
        assertThat(back.getVersion()).isZero();
        assertThat(running.client.listAliases(ADAPTER)).filteredOn(
                alias -> alias.getAlias().equals("previous"))
                .singleElement()
                .satisfies(alias -> assertThat(alias.getVersion()).isEqualTo(1));
        List<AuditEntry> audit = running.client.listAudit(ADAPTER, 2);
        assertThat(audit.get(1).getActor()).isEqualTo("operator");
        assertThat(audit.get(1).getReason()).isEqualTo("because");
        assertThat(audit.get(1).getFromVersion()).isEqualTo(1);
        assertThat(audit.get(1).getAtMillis()).isEqualTo(RunningStore.NOON.millis());
    }

    @Test
    void whatIsNotThereIsNamed() {
        StatusRuntimeException adapter = failure(() -> running.client.getAdapter("none"));
        assertThat(adapter.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(detail(adapter, ResourceInfo.class).getResourceType())
                .isEqualTo("flywheel/adapter");
        assertThat(detail(adapter, ResourceInfo.class).getResourceName()).isEqualTo("none");
        assertThat(failure(() -> running.client.getVersion(ADAPTER, 9)).getStatus().getCode())
                .isEqualTo(Status.Code.NOT_FOUND);
        assertThat(failure(() -> running.client.getManifest(ADAPTER, 9)).getStatus().getCode())
                .isEqualTo(Status.Code.NOT_FOUND);
        assertThat(failure(() -> running.client.getBlob(Samples.digest("x"))).getStatus()
                .getCode()).isEqualTo(Status.Code.NOT_FOUND);
    }

    @Test
    void aFencedWriterLearnsThePreconditionThatItMissed() {
        running.client.acquireEpoch(ADAPTER, "driver-2");
        StatusRuntimeException fenced = failure(() -> running.client
                .putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e1")));
        assertThat(fenced.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(detail(fenced, PreconditionFailure.class).getViolations(0).getType())
                .isEqualTo("STALE_EPOCH");
    }

    @Test
    void anOperatorConfiguresWhatTheyRead() {
        AdapterRecord read = running.client.getAdapter(ADAPTER);
        AdapterRecord changed = running.client.configureAdapter(Samples.configure(read));
        assertThat(running.client.getAdapter(ADAPTER)).isEqualTo(changed);
        StatusRuntimeException late =
                failure(() -> running.client.configureAdapter(Samples.configure(read)));
        assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.ABORTED);
        assertThat(detail(late, ErrorInfo.class).getMetadataMap())
                .containsEntry("expected", "1")
                .containsEntry("actual", "2");
        AuditEntry entry = running.client.listAudit(ADAPTER, 1).get(0);
        assertThat(entry.getAction()).isEqualTo(AuditAction.AUDIT_ACTION_CONFIGURED);
        assertThat(entry.getChanges()).contains("round.learning_rate: 0.001 -> 0.002");
    }

    @Test
    void aLossThatDoesNotFitItsSignalIsAnsweredWithThoseThatDo() {
        ConfigureAdapterRequest.Builder request =
                Samples.configure(running.client.getAdapter(ADAPTER)).toBuilder();
        request.getLearningBuilder().getClickBuilder().setLoss(Loss.LOSS_SFT);
        assertThat(failure(() -> running.client.configureAdapter(request.build())))
                .hasMessageContaining("learning.click.loss must be one of LISTWISE, BINARY, BANDIT,"
                        + " NONE, was SFT");
    }

    @Test
    void whatIsWaitedForInVainIsRefusedWithWhatIsAllowed() {
        ConfigureAdapterRequest.Builder request =
                Samples.configure(running.client.getAdapter(ADAPTER)).toBuilder();
        request.getLearningBuilder().getClickBuilder().setObservationMillis(9);
        assertThat(running.client.configureAdapter(request.build()).getRevision()).isEqualTo(2);
        request.setExpectedRevision(2)
                .getLearningBuilder()
                .getClickBuilder()
                .setAttributionMillis(8);
        assertThat(failure(() -> running.client.configureAdapter(request.build())))
                .hasMessageContaining("learning.click.observation_millis must be at most"
                        + " learning.click.attribution_millis, which is 8, was 9");
        request.getLearningBuilder().clearClick().getThumbBuilder().setObservationMillis(60_000);
        assertThat(failure(() -> running.client.configureAdapter(request.build())))
                .hasMessageContaining("learning.thumb.observation_millis must be unset, was 60000;"
                        + " only of click and reward silence says anything");
    }

    @Test
    void aDeletedAdapterIsNotFoundAndItsRecordsAre() {
        running.commitRound(ADAPTER, 1, epoch, 0, "e1");
        running.client.deleteAdapter(Samples.delete(ADAPTER, 1));
        StatusRuntimeException gone = failure(() -> running.client.getAdapter(ADAPTER));
        assertThat(gone.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(gone).hasMessageContaining("was deleted");
        assertThat(running.client.listAdapters()).isEmpty();
        assertThat(running.client.listAllAdapters()).singleElement()
                .satisfies(each -> assertThat(each.getDeletedAtMillis())
                        .isEqualTo(RunningStore.NOON.millis()));
        assertThat(running.client.listVersions(ADAPTER, 9)).hasSize(2);
        assertThat(running.client.getManifest(ADAPTER, 1).getExamplesCount()).isEqualTo(1);
        assertThat(running.client.listOpenManifests(ADAPTER)).isEmpty();
        assertThat(running.client.listAudit(ADAPTER, 1).get(0).getAction())
                .isEqualTo(AuditAction.AUDIT_ACTION_DELETED);
        List<ManifestSummary> manifests = new ArrayList<>();
        running.client.listManifests("", 0, manifests::add);
        assertThat(manifests).hasSize(1);
        assertThat(failure(() -> running.client.getBlob(Samples.digest("weights " + ADAPTER + 1)))
                .getStatus()
                .getCode()).isEqualTo(Status.Code.NOT_FOUND);
    }

    @Test
    void aTakenNameExistsAlready() {
        assertThat(failure(() -> running.client.createAdapter(Samples.create(ADAPTER))).getStatus()
                .getCode()).isEqualTo(Status.Code.ALREADY_EXISTS);
    }

    @Test
    void aBlobThatIsTooLargeOrEmptyIsRefusedAndFreesWhatItHeld() {
        for (int i = 0; i < 5; i++) {
            assertThat(failure(() -> running.client.putBlob(new byte[(1 << 20) + 1])).getStatus()
                    .getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        }
        assertThat(failure(() -> running.client.putBlob(new byte[0])).getStatus().getCode())
                .isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(running.client.putBlob(new byte[1 << 20]).getBytes()).isEqualTo(1 << 20);
    }

    private record Bad(String field, ThrowingCallable call) {}

    @TestFactory
    Stream<DynamicTest> everyBadFieldIsNamed() {
        return Stream.of(
                create("name", r -> r.setName("../etc/passwd")),
                create("name", r -> r.setName("a/b/c")),
                create("name", r -> r.setName("x".repeat(1_000_000))),
                create("base_digest", r -> r.setBaseDigest("ABC")),
                create("start_digest", r -> r.setStartDigest("")),
                create("release", CreateAdapterRequest.Builder::clearRelease),
                create("tenant", r -> r.setTenant("t".repeat(201))),
                create("peft_fields", r -> r.putPeftFields("x", "y".repeat(65_536))),
                create("lora.rank", r -> r.getLoraBuilder().setRank(0)),
                create("lora.rank", r -> r.getLoraBuilder().setRank(-1)),
                create("lora.alpha", r -> r.getLoraBuilder().setAlpha(Double.NaN)),
                create("lora.alpha", r -> r.getLoraBuilder().setAlpha(1e39)),
                create("lora.module_alphas[m.q_proj]",
                        r -> r.getLoraBuilder().putModuleAlphas("m.q_proj", 1e-46)),
                create("lora.target_modules", r -> r.getLoraBuilder().clearTargetModules()),
                create("lora.target_modules[0]",
                        r -> r.getLoraBuilder().setTargetModules(0, "a b")),
                create("lora.module_ranks",
                        r -> r.getLoraBuilder().putModuleRanks("a b", 1)),
                create("lora.module_ranks[m.q_proj]",
                        r -> r.getLoraBuilder().putModuleRanks("m.q_proj", 1_025)),
                create("lora.module_alphas[m.q_proj]",
                        r -> r.getLoraBuilder().putModuleAlphas("m.q_proj", 0)),
                create("round.learning_rate",
                        r -> r.getRoundBuilder().setLearningRate(Double.POSITIVE_INFINITY)),
                create("round.beta2", r -> r.getRoundBuilder().setBeta2(1)),
                create("round.beta1", r -> r.getRoundBuilder().setBeta1(0.99999999)),
                create("round.beta2", r -> r.getRoundBuilder().setBeta2(0.99999999)),
                create("round.epsilon", r -> r.getRoundBuilder().setEpsilon(1e-46)),
                create("round.learning_rate", r -> r.getRoundBuilder().setLearningRate(1e39)),
                create("round.learning_rate", r -> r.getRoundBuilder().setLearningRate(1e-46)),
                create("round.weight_decay", r -> r.getRoundBuilder().setWeightDecay(1e39)),
                create("round.anchor_weight", r -> r.getRoundBuilder().setAnchorWeight(1e39)),
                create("round.preference_beta", r -> r.getRoundBuilder().setPreferenceBeta(-1)),
                create("round.kl_weight", r -> r.getRoundBuilder().setKlWeight(-1)),
                create("round.steps", r -> r.getRoundBuilder().setSteps(0)),
                create("round.examples_max", r -> r.getRoundBuilder().setExamplesMax(65)),
                create("actor", r -> r.setActor("a".repeat(201))),
                round("round.edit_weight", r -> r.setEditWeight(-1)),
                round("round.trim_share", r -> r.setTrimShare(0.5)),
                round("round.replay_share", r -> r.setReplayShare(4.5)),
                round("round.replay_manifests", r -> r.setReplayManifests(100_001)),
                round("round.reward_baseline", r -> r.setRewardBaseline(Double.NaN)),
                learning("learning.click.loss", r -> r.getClickBuilder().setLoss(Loss.LOSS_SFT)),
                learning("learning.thumb.loss", r -> r.getThumbBuilder().setLossValue(99)),
                learning("learning.correction.observation_millis",
                        r -> r.getCorrectionBuilder().setObservationMillis(-1)),
                learning("learning.rating.rendered_millis",
                        r -> r.getRatingBuilder().setRenderedMillis(Long.MAX_VALUE)),
                learning("learning.dismiss.observation_millis",
                        r -> r.getDismissBuilder().setObservationMillis(0)),
                learning("learning.rating.observation_millis",
                        r -> r.getRatingBuilder().setObservationMillis(1)),
                learning("learning.thumb.rendered_millis",
                        r -> r.getThumbBuilder().setRenderedMillis(1)),
                learning("learning.correction.rendered_millis",
                        r -> r.getCorrectionBuilder().setRenderedMillis(1)),
                learning("learning.preference.observation_millis",
                        r -> r.getPreferenceBuilder().setObservationMillis(1)),
                learning("learning.reward.observation_millis", r -> r.getRewardBuilder()
                        .setObservationMillis(2)
                        .setAttributionMillis(1)),
                learning("learning.click.rendered_millis", r -> r.getClickBuilder()
                        .setRenderedMillis(2)
                        .setAttributionMillis(1)),
                learning("learning.reward.attribution_millis",
                        r -> r.getRewardBuilder().setAttributionMillis(0)),
                learning("learning.dismiss.weight", r -> r.getDismissBuilder().setWeight(0)),
                learning("learning.dismiss.weight", r -> r.getDismissBuilder().setWeight(1e-46)),
                learning("learning.click.kl_weight",
                        r -> r.getClickBuilder().setKlWeight(1e39)),
                learning("learning.preference.kl_weight",
                        r -> r.getPreferenceBuilder().setKlWeight(-0.1)),
                learning("learning.negative_sampling_rate", r -> r.setNegativeSamplingRate(1.1)),
                learning("learning.examined_places", r -> r.setExaminedPlaces(-1)),
                learning("learning.guard.window_millis",
                        r -> r.getGuardBuilder().setWindowMillis(0)),
                learning("learning.guard.round_share_max",
                        r -> r.getGuardBuilder().setRoundShareMax(2)),
                learning("learning.guard.newcomer_share_max",
                        r -> r.getGuardBuilder().setNewcomerShareMax(Double.NaN)),
                learning("learning.guard.newcomer_millis",
                        r -> r.getGuardBuilder().setNewcomerMillis(-1)),
                configure("exploration.epsilon", r -> r.getExplorationBuilder().setEpsilon(1.5)),
                configure("exploration.temperature",
                        r -> r.getExplorationBuilder().setTemperature(Double.NaN)),
                configure("exploration.propensity_min",
                        r -> r.getExplorationBuilder().setPropensityMin(-1)),
                configure("quota.requests_max", r -> r.getQuotaBuilder().setRequestsMax(0)),
                configure("release", r -> r.setReleaseValue(9)),
                configure("expected_revision", r -> r.setExpectedRevision(-1)),
                configure("actor", ConfigureAdapterRequest.Builder::clearActor),
                configure("reason", r -> r.setReason("r".repeat(201))),
                configure("name", r -> r.setName("A")),
                new Bad("actor", () -> running.client.deleteAdapter(
                        Samples.delete(ADAPTER, 1).toBuilder().clearActor().build())),
                alias("alias", r -> r.setAlias("Serving")),
                alias("version", r -> r.setVersion(-1)),
                alias("actor", SetAliasRequest.Builder::clearActor),
                manifest("seq", r -> r.setSeq(0)),
                manifest("examples", PutManifestRequest.Builder::clearExamples),
                manifest("backend", PutManifestRequest.Builder::clearBackend),
                example("examples[0].example_id", r -> r.setExampleId("e1")),
                example("examples[0].adapter", r -> r.setAdapter("other")),
                example("examples[0].weight", r -> r.setWeight(Double.NaN)),
                example("examples[0].sampling_rate", r -> r.setSamplingRate(0)),
                example("examples[0].options[1].label",
                        r -> r.getOptionsBuilder(1).setLabel(Double.NEGATIVE_INFINITY)),
                example("examples[0].options[0].propensity",
                        r -> r.getOptionsBuilder(0).setPropensity(1.5)),
                example("examples[0].options", r -> options(r, 10_001)),
                manifest("examples[1].example_id", r -> r.addExamples(r.getExamples(0))),
                outcome("outcome", PutOutcomeRequest.Builder::clearOutcome),
                outcome("weights_digest", r -> r.setWeightsDigest("0")),
                outcome("probe_fingerprint", PutOutcomeRequest.Builder::clearProbeFingerprint),
                new Bad("writer", () -> running.client.acquireEpoch(ADAPTER, "")),
                new Bad("limit", () -> running.client.listVersions(ADAPTER, 101)),
                new Bad("digest", () -> running.client.getBlob("../x")),
                new Bad("adapter", () -> running.client.listAliases("A")),
                new Bad("after_seq", () -> running.client.listManifests("", -1, one -> {})))
                .map(bad -> DynamicTest.dynamicTest(bad.field(), () -> {
                    StatusRuntimeException refused = failure(bad.call());
                    assertThat(refused).isNotNull();
                    assertThat(refused.getStatus().getCode())
                            .isEqualTo(Status.Code.INVALID_ARGUMENT);
                    assertThat(detail(refused, BadRequest.class).getFieldViolations(0).getField())
                            .isEqualTo(bad.field());
                    assertThat(refused.getMessage()).hasSizeLessThan(500);
                }));
    }

    @Test
    void anExampleMayHaveAsManyOptionsAsAnImpressionHasCandidates() {
        PutManifestRequest.Builder manifest = Samples.manifest(ADAPTER, 1, epoch, 0, "e1")
                .toBuilder();
        options(manifest.getExamplesBuilder(0), 10_000);
        assertThat(running.client.putManifest(manifest.build()).getClaimed()).isEqualTo(1);
    }

    private static void options(Example.Builder example, int count) {
        while (example.getOptionsCount() < count) {
            example.addOptions(LabelledOption.getDefaultInstance());
        }
    }

    private Bad create(String field, Consumer<CreateAdapterRequest.Builder> change) {
        CreateAdapterRequest.Builder request = Samples.create("new").toBuilder();
        change.accept(request);
        return new Bad(field, () -> running.client.createAdapter(request.build()));
    }

    private Bad round(String field, Consumer<RoundSettings.Builder> change) {
        return configure(field, request -> change.accept(request.getRoundBuilder()));
    }

    private Bad learning(String field, Consumer<LearningSettings.Builder> change) {
        return configure(field, request -> change.accept(request.getLearningBuilder()));
    }

    private Bad configure(String field, Consumer<ConfigureAdapterRequest.Builder> change) {
        ConfigureAdapterRequest.Builder request =
                Samples.configure(running.client.getAdapter(ADAPTER)).toBuilder();
        change.accept(request);
        return new Bad(field, () -> running.client.configureAdapter(request.build()));
    }

    private Bad alias(String field, Consumer<SetAliasRequest.Builder> change) {
        SetAliasRequest.Builder request = Samples.alias(ADAPTER, "mine", 0, 0).toBuilder();
        change.accept(request);
        return new Bad(field, () -> running.client.setAlias(request.build()));
    }

    private Bad manifest(String field, Consumer<PutManifestRequest.Builder> change) {
        PutManifestRequest.Builder request =
                Samples.manifest(ADAPTER, 1, 1, 0, "e1").toBuilder();
        change.accept(request);
        return new Bad(field, () -> running.client.putManifest(request.build()));
    }

    private Bad example(String field, Consumer<Example.Builder> change) {
        return manifest(field, request -> change.accept(request.getExamplesBuilder(0)));
    }

    private Bad outcome(String field, Consumer<PutOutcomeRequest.Builder> change) {
        PutOutcomeRequest.Builder request = Samples
                .committed(ADAPTER, 1, 1, Samples.bytes("w"), Samples.bytes("o"))
                .toBuilder();
        change.accept(request);
        return new Bad(field, () -> running.client.putOutcome(request.build()));
    }
}
