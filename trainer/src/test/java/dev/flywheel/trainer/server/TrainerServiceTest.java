package dev.flywheel.trainer.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.rpc.RetryInfo;
import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.UntrainableExample;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.trainer.adapter.AdapterCreation;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.gate.Gate;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerServiceTest {
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup");

    @TempDir Path folder;
    private final RecordingListener listener = new RecordingListener();
    private Loopback at;
    private AcquireEpochReply epoch;

    /** Remembers every round, and holds the worker thread back while asked to. */
    private static final class RecordingListener implements RoundListener {
        final List<RoundKey> ended = Collections.synchronizedList(new ArrayList<>());
        final CountDownLatch reached = new CountDownLatch(1);
        volatile CountDownLatch hold = new CountDownLatch(0);

        @Override
        public void ended(RoundReport report) {
            ended.add(report.key());
            reached.countDown();
            try {
                hold.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @BeforeEach
    void start() throws Exception {
        TrainerSettings settings =
                new TrainerSettings("t1", 1, 2, 512, 8, Duration.ofMillis(150),
                        Duration.ofSeconds(10), Gate.DEFAULT);
        at = new Loopback(folder, settings, listener);
        epoch = at.epoch();
    }

    @AfterEach
    void stop() throws Exception {
        listener.hold.countDown();
        at.close();
    }

    @Test
    void aClaimedRoundBecomesAVersionAndTheNextGoesOnFromIt() {
        at.claim(epoch, 1, slates("a", 3));
        TrainReply first = at.train(1, epoch.getEpoch());
        assertThat(first.getVerdict()).isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(first.getFigures().getExamples()).isEqualTo(3);
        assertThat(Digest.of(at.store.getBlob(first.getWeightsDigest())).hex())
                .isEqualTo(first.getWeightsDigest());
        assertThat(at.commit(1, epoch.getEpoch(), first).getHead()).isEqualTo(1);
        at.claim(epoch, 2, slates("b", 3));
        TrainReply second = at.train(2, epoch.getEpoch());
        assertThat(second.getVerdict()).isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(second.getWeightsDigest()).isNotEqualTo(first.getWeightsDigest());
        assertThat(at.commit(2, epoch.getEpoch(), second).getHead()).isEqualTo(2);
    }

    @Test
    void repeatedCallsGetTheSameReplyFromOneRun() {
        at.claim(epoch, 1, slates("a", 6));
        List<CompletableFuture<TrainReply>> calls = new ArrayList<>();
        for (int n = 0; n < 5; n++) {
            calls.add(at.trainer.train(Loopback.ADAPTER, 1, epoch.getEpoch(), Loopback.DEADLINE));
        }
        TrainReply reply = calls.getFirst().join();
        assertThat(calls).allSatisfy(call -> assertThat(call.join()).isEqualTo(reply));
        assertThat(at.train(1, epoch.getEpoch())).isEqualTo(reply);
        assertThat(listener.ended).hasSize(1);
    }

    @Test
    void aRoundRunAgainInALaterEpochGivesTheSameCandidate() {
        at.claim(epoch, 1, slates("a", 3));
        TrainReply before = at.train(1, epoch.getEpoch());
        AcquireEpochReply later = at.epoch();
        TrainReply after = at.train(1, later.getEpoch());
        assertThat(listener.ended).hasSize(2);
        assertThat(after.getWeightsDigest()).isEqualTo(before.getWeightsDigest());
        assertThat(after.getOptimizerDigest()).isEqualTo(before.getOptimizerDigest());
        assertThat(after.getProbeFingerprint()).isEqualTo(before.getProbeFingerprint());
    }

    @Test
    void refusesAManifestBoundToAnotherBackendNamingBoth() {
        at.claim(epoch, 1, "cuda/sm90/1", slates("a", 1));
        assertThatThrownBy(() -> at.train(1, epoch.getEpoch()))
                .satisfies(failure -> assertThat(status(failure).getCode())
                        .isEqualTo(Status.Code.FAILED_PRECONDITION))
                .hasMessageContaining("bound to cuda/sm90/1")
                .hasMessageContaining(at.fixture.round.binding());
    }

    /** P3: what is claimed and cannot be trained on ends quarantined, named, and holds up no other. */
    @Test
    void anExampleThatCannotBeTrainedOnIsQuarantinedByNameAndTheOthersAreTrained() {
        Example endless = at.fixture.correction(id("long"), "teach", "x".repeat(600));
        at.claim(epoch, 1, List.of(saidBy("f1", slate("a")), saidBy("f2", endless)));
        TrainReply reply = at.train(1, epoch.getEpoch());
        assertThat(reply.getVerdict()).isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(reply.getFigures().getExamples()).isEqualTo(1);
        assertThat(reply.getUntrainableList()).hasSize(1);
        UntrainableExample left = reply.getUntrainable(0);
        assertThat(left.getExampleId()).isEqualTo(endless.getExampleId());
        assertThat(left.getReason()).isEqualTo(UntrainableReason.UNTRAINABLE_REASON_TOO_LONG);
        assertThat(left.getDetail()).contains("the longest 602", "the device takes 512");
        at.commit(1, epoch.getEpoch(), reply);
        List<ManifestSummary> manifests = new ArrayList<>();
        at.store.listManifests(Loopback.ADAPTER, 0, manifests::add);
        assertThat(manifests.getFirst().getFeedbackList()).containsExactly(key("f1"), key("f2"));
        assertThat(manifests.getFirst().getQuarantinedList()).containsExactly(key("f2"));
    }

    @Test
    void aRoundOfWhichNothingCanBeTrainedOnIsRejectedWithItsReasons() {
        at.claim(
                epoch,
                1,
                List.of(slate("a").toBuilder().addPromptIds(1 << 30).build()));
        TrainReply reply = at.train(1, epoch.getEpoch());
        assertThat(reply.getVerdict()).isEqualTo(Outcome.OUTCOME_REJECTED);
        assertThat(reply.getFigures().getRejectedBecause())
                .contains("none of its 1 examples could be trained on");
        assertThat(reply.getUntrainableList()).extracting(UntrainableExample::getReason)
                .containsExactly(UntrainableReason.UNTRAINABLE_REASON_UNKNOWN_TOKEN);
        assertThat(reply.getWeightsDigest()).isEmpty();
    }

    @Test
    void tellsOfAManifestThatDoesNotExist() {
        assertThatThrownBy(() -> at.train(9, epoch.getEpoch()))
                .satisfies(failure -> assertThat(status(failure).getCode())
                        .isEqualTo(Status.Code.NOT_FOUND));
    }

    @Test
    void refusesANameThatIsNoAdapters() {
        assertThatThrownBy(
                () -> at.trainer.train("../etc", 1, 1, Loopback.DEADLINE).join())
                .satisfies(failure -> assertThat(status(failure).getCode())
                        .isEqualTo(Status.Code.INVALID_ARGUMENT));
    }

    @Test
    void shedsWhatDoesNotFitTheQueueWithARetryHint() throws Exception {
        holdTheWorker();
        CompletableFuture<TrainReply> waiting = call(2);
        awaitWaiting(1);
        assertThatThrownBy(() -> call(3).join())
                .satisfies(failure -> {
                    assertThat(status(failure).getCode())
                            .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
                    RetryInfo retry =
                            StatusProto.fromThrowable(failure.getCause())
                                    .getDetails(0)
                                    .unpack(RetryInfo.class);
                    assertThat(retry.getRetryDelay().getNanos()).isEqualTo(150_000_000);
                });
        listener.hold.countDown();
        assertThatThrownBy(waiting::join)
                .satisfies(failure -> assertThat(status(failure).getCode())
                        .isEqualTo(Status.Code.NOT_FOUND));
    }

    @Test
    void aWaitingRoundThatNobodyWaitsForMakesRoomAndNeverRuns() throws Exception {
        holdTheWorker();
        CompletableFuture<TrainReply> abandoned = call(2);
        awaitWaiting(1);
        assertThat(abandoned.cancel(true)).isTrue();
        awaitWaiting(0);
        CompletableFuture<TrainReply> next = call(5);
        awaitWaiting(1);
        listener.hold.countDown();
        assertThatThrownBy(next::join)
                .satisfies(failure -> assertThat(status(failure).getCode())
                        .isEqualTo(Status.Code.NOT_FOUND));
        assertThat(listener.ended).extracting(RoundKey::seq).containsExactly(1L);
    }

    @Test
    void closingTellsThoseWhoWait() throws Exception {
        holdTheWorker();
        CompletableFuture<TrainReply> waiting = call(2);
        awaitWaiting(1);
        CompletableFuture<Void> closing =
                CompletableFuture.runAsync(
                        () -> {
                            try {
                                at.service.close();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
        assertThatThrownBy(waiting::join)
                .satisfies(failure -> assertThat(status(failure).getCode())
                        .isEqualTo(Status.Code.UNAVAILABLE));
        listener.hold.countDown();
        closing.get(10, TimeUnit.SECONDS);
    }

    @Test
    void capacityNamesWhatRoundsAreBoundTo() {
        Capacity capacity = at.trainer.capacity(Loopback.DEADLINE).join();
        assertThat(capacity.getBackend()).isEqualTo(at.fixture.round.binding());
        assertThat(capacity.getBaseDigest()).isEqualTo(at.fixture.base.digest().hex());
        assertThat(capacity.getTrainerId()).isEqualTo("t1");
    }

    @Test
    void creatingAnAdapterTwiceReturnsTheFirst() {
        AdapterRecord first = at.store.getAdapter(Loopback.ADAPTER);
        AdapterRecord again =
                AdapterCreation.create(
                        at.store,
                        at.fixture.base,
                        new AdapterName(Loopback.ADAPTER),
                        AdapterSettings.teacher());
        assertThat(again).isEqualTo(first);
    }

    /** Runs round 1 and keeps the worker thread in its listener. */
    private void holdTheWorker() throws InterruptedException {
        listener.hold = new CountDownLatch(1);
        at.claim(epoch, 1, slates("a", 1));
        at.train(1, epoch.getEpoch());
        assertThat(listener.reached.await(30, TimeUnit.SECONDS)).isTrue();
    }

    private CompletableFuture<TrainReply> call(long seq) {
        return at.trainer.train(Loopback.ADAPTER, seq, epoch.getEpoch(), Loopback.DEADLINE);
    }

    private void awaitWaiting(int rounds) {
        long deadline = System.nanoTime() + Loopback.DEADLINE.toNanos();
        while (at.trainer.capacity(Loopback.DEADLINE).join().getRoundsWaiting() != rounds) {
            assertThat(System.nanoTime()).as("waiting for the queue").isLessThan(deadline);
        }
    }

    private List<Example> slates(String prefix, int count) {
        List<Example> slates = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            slates.add(slate(prefix + n));
        }
        return slates;
    }

    private static Example saidBy(String feedbackId, Example example) {
        return example.toBuilder().addFeedback(key(feedbackId)).build();
    }

    private static FeedbackKey key(String feedbackId) {
        return FeedbackKey.newBuilder().setSource("web").setFeedbackId(feedbackId).build();
    }

    private static String id(String name) {
        return Digest.of(name.getBytes(StandardCharsets.UTF_8)).hex();
    }

    private Example slate(String name) {
        return at.fixture.slate(
                id(name),
                "u",
                "sport",
                TEXTS,
                1);
    }

    private static Status status(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return ((StatusRuntimeException) cause).getStatus();
    }
}
