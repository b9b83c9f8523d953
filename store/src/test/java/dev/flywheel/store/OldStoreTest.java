package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.rocksdb.RocksCommitLog;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that was written before adapters could be configured, see {@link OldStore}. */
class OldStoreTest {
    @TempDir Path folder;

    @BeforeEach
    void unpack() throws IOException {
        OldStore.unpack(folder);
    }

    @Test
    void itOpensWithEverythingThatItHeld() {
        try (RunningStore running = new RunningStore(folder)) {
            AdapterRecord record = running.client.getAdapter(ADAPTER);
            assertThat(record.getHead()).isEqualTo(2);
            assertThat(record.getRevision()).isZero();
            assertThat(record.getDeletedAtMillis()).isZero();
            assertThat(running.client.listAudit(ADAPTER, 9)).extracting(AuditEntry::getAction)
                    .containsOnly(AuditAction.AUDIT_ACTION_UNSPECIFIED);
            assertThat(running.client.listOpenManifests(ADAPTER)).singleElement()
                    .satisfies(each -> assertThat(each.getSeq()).isEqualTo(3));
        }
    }

    @Test
    void olderProgramsRefuseItOnceItWasOpened() throws IOException {
        assertThat(folder.resolve("format")).hasContent("flywheel store format 1");
        new RunningStore(folder).close();
        assertThat(folder.resolve("format")).hasContent("flywheel store format 2");
    }

    /** Commands past the checks of requests stand for those of a release that checked less. */
    @Test
    void whatWasTakenThenAndIsRefusedNowIsKeptUntilItIsChanged() {
        LearningSettings then = LearningSettings.newBuilder()
                .setThumb(SignalSettings.newBuilder().setObservationMillis(60_000))
                .build();
        try (Committer committer = new Committer(
                RocksCommitLog.open(folder, Retention.DEFAULT, 1),
                new CommitRules(Limits.DEFAULT, Retention.DEFAULT), RunningStore.NOON, 100)) {
            ConfigureAdapterRequest request = ConfigureAdapterRequest.newBuilder()
                    .setName(ADAPTER)
                    .setLearning(then)
                    .setActor("operator")
                    .build();
            assertThat(committer.submit(new Command.ConfigureAdapter(request, 1)).join())
                    .isInstanceOf(Decision.Accepted.class);
        }
        try (RunningStore running = new RunningStore(folder)) {
            AdapterRecord record = running.client.getAdapter(ADAPTER);
            assertThat(record.getLearning()).isEqualTo(then);
            ConfigureAdapterRequest other =
                    Samples.configure(record).toBuilder().clearLearning().build();
            assertThat(running.client.configureAdapter(other).getLearning()).isEqualTo(then);
            assertThatThrownBy(() -> running.client.configureAdapter(
                    other.toBuilder().setExpectedRevision(2).setLearning(then).build()))
                    .hasMessageContaining("learning.thumb.observation_millis must be unset");
        }
    }

    @Test
    void itsAdaptersAreConfiguredReplayedFromAndDeletedLikeOthers() {
        try (RunningStore running = new RunningStore(folder)) {
            AdapterRecord record = running.client.getAdapter(ADAPTER);
            AdapterRecord changed = running.client.configureAdapter(Samples.configure(record)
                    .toBuilder()
                    .setRound(record.getRound().toBuilder().setReplayShare(3).setReplayManifests(9))
                    .build());
            assertThat(changed.getRevision()).isEqualTo(1);
            AuditEntry entry = running.client.listAudit(ADAPTER, 1).get(0);
            assertThat(entry.getSequence()).isEqualTo(
                    running.client.listAudit(ADAPTER, 2).get(1).getSequence() + 1);
            long epoch = running.client.acquireEpoch(ADAPTER, "driver-2").getEpoch();
            running.client.putOutcome(Samples.ended(ADAPTER, 3, epoch, Outcome.OUTCOME_REJECTED));
            running.client.putManifest(Samples.manifest(ADAPTER, 4, epoch, 2, "e5"));
            assertThat(running.client.getManifest(ADAPTER, 4).getReplayedCount()).isEqualTo(3);
        }
        try (RunningStore again = new RunningStore(folder)) {
            assertThat(again.client.getAdapter(ADAPTER).getRevision()).isEqualTo(1);
            assertThat(again.client.deleteAdapter(Samples.delete(ADAPTER, 1)).getRevision())
                    .isEqualTo(2);
        }
        try (RunningStore again = new RunningStore(folder)) {
            assertThat(again.client.listAdapters()).isEmpty();
            assertThat(again.client.listAllAdapters()).hasSize(1);
        }
    }
}
