package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PendingRepair;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.Repair;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An adapter has learned four rounds, and the first is taken out: the other three are to be trained again. */
class RepairsTest {
    @TempDir Path folder;

    private RunningStore running;
    private long epoch;
    private long seq;

    @BeforeEach
    void theFirstOfFourRoundsIsTakenOut() {
        running = new RunningStore(folder);
        epoch = running.createAdapter(ADAPTER);
        while (seq < 4) {
            running.commitRound(ADAPTER, ++seq, epoch, seq - 1, "e" + seq);
        }
        running.client.excise(ExciseRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(1)
                .setExpectedHead(4)
                .setActor("operator")
                .build());
        epoch = running.client.acquireEpoch(ADAPTER, "driver-2").getEpoch();
    }

    @AfterEach
    void close() {
        running.close();
    }

    @Test
    void underImmediateReleaseServingFollowsARepairOnlyAtItsEnd() {
        assertThat(serving()).isZero();
        trainNext();
        trainNext();
        assertThat(serving()).isZero();
        trainNext();
        assertThat(serving()).isEqualTo(head()).isEqualTo(7);
    }

    @Test
    void aRoundThatIsRejectedWhenItIsTrainedAgainIsDoneWithToo() {
        trainNext();
        rejectNext();
        assertThat(repair().getRounds()).isEqualTo(3);
        trainNext();
        assertThat(running.client.getAdapter(ADAPTER).hasRepair()).isFalse();
        assertThat(serving()).isEqualTo(head()).isEqualTo(6);
    }

    @Test
    void aRepairWhoseLastRoundIsRejectedEndsWithTheOneBefore() {
        trainNext();
        trainNext();
        rejectNext();
        assertThat(running.client.getAdapter(ADAPTER).hasRepair()).isFalse();
        assertThat(serving()).isEqualTo(head()).isEqualTo(6);
    }

    @Test
    void aStoreThatIsOpenedAgainInTheMidstOfARepairGoesOnWithIt() {
        trainNext();
        claimNext();
        Repair before = repair();
        restart();
        assertThat(repair()).isEqualTo(before);
        assertThat(running.client.listRepairsAsync().join()).singleElement()
                .matches(PendingRepair::getUnderWay);
        commit();
        restart();
        trainNext();
        assertThat(running.client.getAdapter(ADAPTER).hasRepair()).isFalse();
        assertThat(running.client.listRepairsAsync().join()).isEmpty();
        assertThat(serving()).isEqualTo(head()).isEqualTo(7);
    }

    private void restart() {
        running.close();
        running = new RunningStore(folder);
    }

    private void trainNext() {
        claimNext();
        commit();
    }

    private void claimNext() {
        PutReplayReply reply = running.client.putReplayAsync(PutReplayRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setSeq(++seq)
                .setEpoch(epoch)
                .setParent(head())
                .setBackend("reference/1")
                .build()).join();
        assertThat(reply.getClaimed()).isEqualTo(1);
    }

    private void commit() {
        byte[] weights = Samples.bytes("weights " + seq);
        running.client.putBlob(weights);
        running.client.putOutcome(Samples.committed(ADAPTER, seq, epoch, weights, weights));
    }

    private void rejectNext() {
        claimNext();
        running.client.putOutcome(Samples.ended(ADAPTER, seq, epoch, Outcome.OUTCOME_REJECTED));
        assertThat(running.client.getManifestRecord(ADAPTER, seq).getSummary().getState())
                .isEqualTo(ManifestState.MANIFEST_STATE_REJECTED);
    }

    private Repair repair() {
        return running.client.getAdapter(ADAPTER).getRepair();
    }

    private long head() {
        return running.client.getAdapter(ADAPTER).getHead();
    }

    private long serving() {
        return running.client.listAliases(ADAPTER)
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .mapToLong(AliasRecord::getVersion)
                .findFirst()
                .orElseThrow();
    }
}
