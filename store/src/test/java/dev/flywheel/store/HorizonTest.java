package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.ForgottenBy;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.StoreCommitGrpc;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that keeps manifests for a day and every fourth version as a snapshot; ten users have taught a round an hour each. */
class HorizonTest {
    private static final StoreSettings SETTINGS = new StoreSettings(
            new Retention(2, 4, Duration.ofHours(1), Duration.ofDays(1)), Limits.DEFAULT);

    @TempDir Path folder;

    private final AtomicReference<Instant> now = new AtomicReference<>(RunningStore.NOON.instant());
    private final InstantSource clock = now::get;
    private RunningStore running;
    private long epoch;

    @BeforeEach
    void tenUsersTeachARoundEach() {
        running = new RunningStore(folder, SETTINGS, clock);
        epoch = running.createAdapter(ADAPTER);
        for (long round = 1; round <= 10; round++) {
            running.commitRound(ADAPTER, round, epoch, round - 1, "e" + round);
            now.updateAndGet(time -> time.plus(Duration.ofHours(1)));
        }
        // Versions 8 and older are more than a day old.
        now.updateAndGet(time -> time.plus(Duration.ofHours(22)));
    }

    @AfterEach
    void close() {
        running.close();
    }

    private ForgetReply forget(String user) {
        return running.client.forget(ForgetRequest.newBuilder()
                .setTenant("news")
                .setUser(user)
                .setActor("operator")
                .build());
    }

    private Repair repaired(ForgetReply reply) {
        assertThat(reply.getAdaptersList()).hasSize(1);
        ForgottenBy only = reply.getAdapters(0);
        assertThat(only.getManifests()).isEqualTo(1);
        return only.getRepair();
    }

    /** What is left of a repair, each with weights of its own. */
    private void replayAll() {
        epoch = running.client.acquireEpoch(ADAPTER, "driver-1").getEpoch();
        for (long seq = 11; running.client.getAdapter(ADAPTER).hasRepair();) {
            PutReplayReply claimed = StoreCommitGrpc.newBlockingStub(running.channel)
                    .putReplay(PutReplayRequest.newBuilder()
                            .setAdapter(ADAPTER)
                            .setSeq(seq)
                            .setEpoch(epoch)
                            .setParent(running.client.getAdapter(ADAPTER).getHead())
                            .setBackend("reference/1")
                            .build());
            if (claimed.getClaimed() > 0) {
                byte[] weights = Samples.bytes("weights again " + seq);
                running.client.putBlob(weights);
                running.client.putOutcome(
                        Samples.committed(ADAPTER, seq++, epoch, weights, weights));
            }
        }
    }

    @Test
    void ofAManifestThatIsTooOldNothingIsLeftOfWhatUsersSaid() {
        Manifest before = running.client.getManifest(ADAPTER, 8);
        running.store.expire();

        assertThatThrownBy(() -> running.client.getManifest(ADAPTER, 8))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("NOT_FOUND")
                .hasMessageContaining("older than store.manifests_kept");
        ManifestRecord left = running.client.getManifestRecord(ADAPTER, 8);
        assertThat(left.getExpired()).isTrue();
        assertThat(left.getExamplesList()).isEmpty();
        assertThat(left.getBackend()).isEqualTo(before.getBackend());
        assertThat(left.getSettings()).isEqualTo(before.getSettings());
        assertThat(left.getSummary().getVersion()).isEqualTo(8);
        assertThat(left.getSummary().getFeedbackList()).hasSize(1);
        assertThat(running.client.getManifestRecord(ADAPTER, 9).getExpired()).isFalse();
        assertThat(running.client.getManifest(ADAPTER, 9).getExamplesCount()).isEqualTo(1);
    }

    @Test
    void whatItClaimedStaysClaimed() {
        running.store.expire();
        var claimed = running.client.putManifest(
                Samples.manifest(ADAPTER, 11, epoch, 10, "e1"));
        assertThat(claimed.getRefusedList()).singleElement()
                .satisfies(refused -> assertThat(refused.getManifestSeq()).isEqualTo(1));
    }

    @Test
    void aUserFromBeforeTheHorizonIsForgottenByLearningAgainFromTheBaseModel() {
        running.store.expire();
        running.close();
        running = new RunningStore(folder, SETTINGS, clock);

        Repair repair = repaired(forget("user of e3"));
        assertThat(repair.getBaseVersion()).isZero();
        assertThat(repair.getQuarantined()).isEqualTo(8);
        assertThat(repair.getRounds()).isEqualTo(2);
        replayAll();
        assertThat(running.client.getManifest(ADAPTER, 11).getExamplesList())
                .containsExactly(Samples.example(ADAPTER, "e9"));
        assertThat(running.client.getManifest(ADAPTER, 11).getParentDigest())
                .isEqualTo(Samples.digest(Samples.START));
        assertThat(forget("user of e3").getAdaptersList()).isEmpty();
        assertThat(forget("user of e4").getAdaptersList())
                .as("was forgotten with them: nothing older is left in HEAD")
                .isEmpty();
    }

    @Test
    void aUserFromAfterTheHorizonIsForgottenFromTheNewestSnapshotBefore() {
        running.store.expire();
        assertThat(repaired(forget("user of e10")).getBaseVersion()).isEqualTo(9);
        replayAll();
        assertThat(repaired(forget("user of e9")).getBaseVersion()).isEqualTo(8);
    }

    @Test
    void aRollbackBeyondTheHorizonSaysWhereItCanGo() {
        running.store.expire();
        assertThatThrownBy(() -> running.client.rollback(RollbackRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setVersion(7)
                .setExpectedHead(10)
                .setActor("operator")
                .build())).hasMessageContaining("FAILED_PRECONDITION")
                .hasMessageContaining("name versions after 8");
    }

    @Test
    void nothingGoesBeforeItsTime() {
        now.updateAndGet(time -> time.minus(Duration.ofHours(10)));
        running.store.expire();
        assertThat(running.client.getManifest(ADAPTER, 1).getExamplesCount()).isEqualTo(1);
    }
}
