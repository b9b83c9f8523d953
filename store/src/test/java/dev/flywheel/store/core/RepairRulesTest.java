package dev.flywheel.store.core;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** An adapter that has learned four rounds, of which some are regretted. */
class RepairRulesTest {
    private final CommitRules rules = new CommitRules(Limits.DEFAULT, Retention.DEFAULT);
    private final InMemoryCommitLog log = new InMemoryCommitLog();
    private long epoch;
    private long seq;

    private void fourRounds(ReleasePolicy release) {
        log.putBlob(Samples.digest(Samples.START), Samples.START, 0);
        carryOut(new Command.CreateAdapter(
                Samples.create(ADAPTER).toBuilder().setRelease(release).build(), 1));
        acquire();
        for (int round = 1; round <= 4; round++) {
            carryOut(new Command.PutManifest(Samples.manifest(ADAPTER, ++seq, epoch, head(),
                    "e" + round, "f" + round), 1));
            commit();
        }
    }

    private void acquire() {
        AcquireEpochReply reply =
                carryOut(new Command.AcquireEpoch(Samples.epoch(ADAPTER), 1));
        epoch = reply.getEpoch();
    }

    private void commit() {
        byte[] weights = Samples.bytes("weights of " + seq);
        byte[] optimizer = Samples.bytes("optimizer of " + seq);
        log.putBlob(Samples.digest(weights), weights, 0);
        log.putBlob(Samples.digest(optimizer), optimizer, 0);
        carryOut(new Command.PutOutcome(
                Samples.committed(ADAPTER, seq, epoch, weights, optimizer), 1));
    }

    /** Claims the next round of the repair and ends it. */
    private void replay() {
        if (carryOut(replayOf(epoch, seq + 1)).getClaimed() > 0) {
            seq++;
            commit();
        }
    }

    private void replayAll() {
        while (log.load().adapter(ADAPTER).record().hasRepair()) {
            replay();
        }
    }

    private Command.PutReplay replayOf(long writer, long next) {
        return new Command.PutReplay(PutReplayRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setSeq(next)
                .setEpoch(writer)
                .setParent(head())
                .setBackend("reference/1")
                .build(), 1);
    }

    private Repair excise(long version) {
        return carryOut(new Command.Excise(ExciseRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(version)
                .setExpectedHead(head())
                .setActor("operator")
                .build(), 1));
    }

    private Repair rollback(long version) {
        return carryOut(new Command.Rollback(RollbackRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setVersion(version)
                .setExpectedHead(head())
                .setActor("operator")
                .build(), 1));
    }

    private Repair forget(Set<Long> manifests, Set<Long> tainted) {
        return carryOut(new Command.Forget(ADAPTER, manifests, tainted, false, "operator", "", 1));
    }

    private void serve(long version) {
        carryOut(new Command.SetAlias(Samples.alias(ADAPTER, AliasRules.SERVING, version,
                log.load().adapter(ADAPTER).alias(AliasRules.SERVING).getRevision()), 1));
    }

    private <R> R carryOut(Command<R> command) {
        Decision<R> decision = rules.decide(log.load(), command, log);
        assertThat(decision).isInstanceOf(Decision.Accepted.class);
        Decision.Accepted<R> accepted = (Decision.Accepted<R>) decision;
        if (!accepted.facts().isEmpty()) {
            log.append(accepted.facts(), log.load().after(accepted.facts()), 1);
        }
        return accepted.reply();
    }

    private Reason refused(Command<?> command) {
        return ((Decision.Refused<?>) rules.decide(log.load(), command, log)).refusal().reason();
    }

    private long head() {
        return log.load().adapter(ADAPTER).head();
    }

    private long alias(String name) {
        return log.load().adapter(ADAPTER).alias(name).getVersion();
    }

    private ManifestState state(long manifest) {
        return log.manifestEntry(ADAPTER, manifest).summary().getState();
    }

    @Test
    void whatNobodyReleasedIsNotServedAfterARepairEither() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_MANUAL);
        serve(2);
        excise(1);
        acquire();
        assertThat(alias(AliasRules.SERVING)).as("meanwhile").isZero();
        replay();
        assertThat(alias(AliasRules.SERVING)).as("its own round is trained again").isEqualTo(5);
        replay();
        replay();
        assertThat(head()).isEqualTo(7);
        assertThat(alias(AliasRules.SERVING)).isEqualTo(5);
    }

    @Test
    void whatWasAtHeadIsServedFromHeadAgain() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        excise(2);
        acquire();
        replay();
        replay();
        assertThat(alias(AliasRules.SERVING)).as("not before all are trained").isLessThan(5);
        replay();
        assertThat(alias(AliasRules.SERVING)).isEqualTo(head()).isEqualTo(7);
    }

    @Test
    void aWriterFromBeforeIsToldOfTheRepairAndOneBeforeThatIsOutOfDate() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        long zombie = epoch;
        acquire();
        excise(2);
        rollback(head());
        assertThat(refused(replayOf(epoch, seq + 1))).isEqualTo(Reason.REPAIR_BEGAN);
        assertThat(refused(replayOf(zombie, seq + 1))).isEqualTo(Reason.STALE_EPOCH);
    }

    @Test
    void whatTheRepairOfADeletedAdapterHadLeftIsQuarantined() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        excise(2);
        carryOut(new Command.DeleteAdapter(Samples.delete(ADAPTER,
                log.load().adapter(ADAPTER).record().getRevision()), 1));
        assertThat(List.of(state(1), state(2), state(3), state(4)))
                .containsOnly(ManifestState.MANIFEST_STATE_ROLLED_BACK);
    }

    @Test
    void whatAForgottenUserSaidEndsQuarantinedThoughNobodyCanReadIt() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        Tombstone.OfUser gone = new Tombstone.OfUser("news", "user of e3");
        carryOut(new Command.Withdraw(Set.of(gone), 1));
        forget(Set.of(3L), Set.of(3L, 4L));
        carryOut(new Command.Erase(gone, 1));
        acquire();
        replayAll();
        var replaced = log.manifestEntry(ADAPTER, 3).summary();
        assertThat(replaced.getWithdrawnList()).extracting(key -> key.getFeedbackId())
                .containsExactly("e3");
        assertThat(log.manifest(ADAPTER, replaced.getReplacedBy()).getErasedList()).isEmpty();
    }

    @Test
    void noAliasNamesWhatCameFromAForgottenUserThoughItWasTakenOutBefore() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        rollback(2);
        assertThat(alias(AliasRules.PREVIOUS)).isEqualTo(4);
        forget(Set.of(), Set.of(3L, 4L));
        assertThat(alias(AliasRules.PREVIOUS)).isEqualTo(head());
    }

    @Test
    void whatWasTakenOutComesBackOnTopOfHead() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        rollback(2);
        acquire();
        replayAll();
        long before = head();
        carryOut(new Command.Readmit(ReadmitRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(4)
                .setExpectedHead(before)
                .setActor("operator")
                .build(), 1));
        acquire();
        replay();
        assertThat(head()).isEqualTo(before + 1);
        assertThat(state(4)).isEqualTo(ManifestState.MANIFEST_STATE_REPLACED);
        assertThat(state(3)).isEqualTo(ManifestState.MANIFEST_STATE_ROLLED_BACK);
        assertThat(refused(new Command.Readmit(ReadmitRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(4)
                .setExpectedHead(head())
                .setActor("operator")
                .build(), 1))).isEqualTo(Reason.VERSION_NOT_ROLLED_BACK);
    }

    @Test
    void underImmediateReleaseWhatComesBackIsServedAndSoIsWhatIsLearnedNext() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        rollback(3);
        readmit(4);
        acquire();
        replay();
        assertThat(alias("serving")).isEqualTo(head()).isEqualTo(5);
        carryOut(new Command.PutManifest(
                Samples.manifest(ADAPTER, ++seq, epoch, head(), "e5", "f5"), 1));
        commit();
        assertThat(alias("serving")).isEqualTo(head()).isEqualTo(6);
    }

    @Test
    void aRepairThatTakesOverBringingBackServesAllOfItAtItsEnd() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
        rollback(3);
        readmit(4);
        forget(Set.of(3L), Set.of(3L));
        acquire();
        replayAll();
        assertThat(alias("serving")).isEqualTo(head()).isGreaterThan(5);
    }

    @Test
    void whereReleasesAreByHandWhatComesBackIsNotServedByItself() {
        fourRounds(ReleasePolicy.RELEASE_POLICY_MANUAL);
        serve(4);
        rollback(3);
        assertThat(alias("serving")).as("its weights are there").isEqualTo(3);
        readmit(4);
        assertThat(alias("serving")).as("nothing of it was taken out").isEqualTo(3);
        acquire();
        replayAll();
        assertThat(alias("serving")).isEqualTo(head() - 1);
    }

    private void readmit(long version) {
        carryOut(new Command.Readmit(ReadmitRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(version)
                .setExpectedHead(head())
                .setActor("operator")
                .build(), 1));
    }
}
