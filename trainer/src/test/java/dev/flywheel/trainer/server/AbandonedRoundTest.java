package dev.flywheel.trainer.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.trainer.gate.Gate;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rounds that lose their callers, and rounds that throw what is no exception. */
class AbandonedRoundTest {
    private static final Duration GRACE = Duration.ofSeconds(10);

    @TempDir Path folder;
    private final RecordingListener listener = new RecordingListener();
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private Loopback at;
    private AcquireEpochReply epoch;

    private static final class RecordingListener implements RoundListener {
        final BlockingQueue<String> events = new LinkedBlockingQueue<>();
        volatile boolean failing;

        @Override
        public void ended(RoundReport report) {
            events.add("ended " + report.key().seq());
        }

        @Override
        public void failed(RoundKey key, String code) {
            if (failing) {
                throw new AssertionError("a bug outside of any round");
            }
            events.add(code + " " + key.seq());
        }

        @Override
        public void died() {
            events.add("died");
        }

        String next() throws InterruptedException {
            return events.poll(30, TimeUnit.SECONDS);
        }
    }

    @BeforeEach
    void start() throws Exception {
        at =
                new Loopback(
                        folder,
                        new TrainerSettings("t1", 4, 2, 512, 8, Duration.ofMillis(150), GRACE,
                                Gate.DEFAULT),
                        listener);
        epoch = at.epoch();
    }

    @AfterEach
    void stop() throws Exception {
        goOn.countDown();
        at.close();
    }

    @Test
    void aRoundWhoseCallerRanOutOfTimeIsJoinedByTheNextCall() throws Exception {
        CompletableFuture<TrainReply> first = heldRound(1);
        leave(first);
        CompletableFuture<TrainReply> second = call(1, epoch.getEpoch());
        goOn.countDown();
        assertThat(second.join().getVerdict()).isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(listener.next()).isEqualTo("ended 1");
        assertThat(at.manifestCalls).hasValue(1);
    }

    @Test
    void aRoundThatEndsWithoutACallerKeepsItsReply() throws Exception {
        leave(heldRound(1));
        goOn.countDown();
        assertThat(listener.next()).isEqualTo("ended 1");
        assertThat(at.train(1, epoch.getEpoch()).getVerdict())
                .isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(at.manifestCalls).hasValue(1);
    }

    @Test
    void aRoundThatNobodyComesBackForStopsAfterItsGrace() throws Exception {
        leave(heldRound(1));
        at.nanos.addAndGet(GRACE.toNanos());
        goOn.countDown();
        assertThat(listener.next()).isEqualTo("CANCELLED 1");
    }

    @Test
    void aRoundOfAnEarlierEpochMakesWayForALaterOne() throws Exception {
        CompletableFuture<TrainReply> zombie = heldRound(1);
        CompletableFuture<TrainReply> heir = call(1, at.epoch().getEpoch());
        assertThatThrownBy(zombie::join).hasMessageContaining("later epoch");
        goOn.countDown();
        assertThat(heir.join().getVerdict()).isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(listener.next()).isEqualTo("CANCELLED 1");
    }

    @Test
    void capacityNamesTheRoundThatRuns() throws Exception {
        var unused = heldRound(1);
        Capacity capacity = at.trainer.capacity(Loopback.DEADLINE).join();
        assertThat(capacity.getRunningAdapter()).isEqualTo(Loopback.ADAPTER);
        assertThat(capacity.getRunningSeq()).isEqualTo(1);
    }

    @Test
    void askedAnewARoundRunsAgainAndUploadsTheSameBlobs() {
        claim(1);
        TrainReply before = at.train(1, epoch.getEpoch());
        TrainReply after =
                at.trainer.trainAnew(Loopback.ADAPTER, 1, epoch.getEpoch(), Loopback.DEADLINE)
                        .join();
        assertThat(at.manifestCalls).hasValue(2);
        assertThat(after.getWeightsDigest()).isEqualTo(before.getWeightsDigest());
        assertThat(after.getOptimizerDigest()).isEqualTo(before.getOptimizerDigest());
    }

    @Test
    void anErrorFailsItsRoundAndTheNextRoundRuns() throws Exception {
        claim(1);
        at.beforeManifest = () -> {
            throw new OutOfMemoryError("a test's");
        };
        assertThatThrownBy(() -> at.train(1, epoch.getEpoch()))
                .satisfies(failure -> assertThat(Status.fromThrowable(failure).getCode())
                        .isEqualTo(Status.Code.INTERNAL))
                .hasMessageContaining("OutOfMemoryError");
        assertThat(listener.next()).isEqualTo("INTERNAL 1");
        at.beforeManifest = () -> {};
        assertThat(at.train(1, epoch.getEpoch()).getVerdict())
                .isEqualTo(Outcome.OUTCOME_COMMITTED);
        assertThat(at.health()).isEqualTo(ServingStatus.SERVING);
    }

    @Test
    void shouldTheThreadEndEverybodyIsToldAndHealthSaysSo() throws Exception {
        listener.failing = true;
        CompletableFuture<TrainReply> running = heldRound(1);
        CompletableFuture<TrainReply> waiting = call(2, epoch.getEpoch());
        while (at.trainer.capacity(Loopback.DEADLINE).join().getRoundsWaiting() == 0) {
            Thread.onSpinWait();
        }
        at.beforeManifest = () -> {};
        leave(running);
        at.nanos.addAndGet(GRACE.toNanos());
        goOn.countDown();
        assertThatThrownBy(waiting::join)
                .satisfies(failure -> assertThat(Status.fromThrowable(failure).getCode())
                        .isEqualTo(Status.Code.UNAVAILABLE))
                .hasMessageContaining("start the process again");
        assertThat(listener.next()).isEqualTo("died");
        assertThat(at.health()).isEqualTo(ServingStatus.NOT_SERVING);
        assertThatThrownBy(() -> at.train(1, epoch.getEpoch()))
                .hasMessageContaining("start the process again");
    }

    /** Claims a round and has it called; returns once it runs, which it does until {@link #goOn}. */
    private CompletableFuture<TrainReply> heldRound(long seq) throws InterruptedException {
        claim(seq);
        at.beforeManifest = () -> {
            begun.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        CompletableFuture<TrainReply> call = call(seq, epoch.getEpoch());
        assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
        return call;
    }

    /** Gives a call up; returns once the trainer knows. */
    private void leave(CompletableFuture<TrainReply> call) throws InterruptedException {
        assertThat(call.cancel(true)).isTrue();
        assertThat(at.left.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
    }

    private CompletableFuture<TrainReply> call(long seq, long callersEpoch) {
        return at.trainer.train(Loopback.ADAPTER, seq, callersEpoch, Loopback.DEADLINE);
    }

    private void claim(long seq) {
        at.claim(
                epoch,
                seq,
                List.of(
                        at.fixture.slate(
                                Digest.of("e".getBytes(StandardCharsets.UTF_8)).hex(),
                                "u",
                                "sport",
                                List.of("tennis", "opera", "soup"),
                                1)));
    }
}
