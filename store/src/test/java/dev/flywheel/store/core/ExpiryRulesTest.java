package dev.flywheel.store.core;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.VersionRange;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.api.v1.WithdrawRequest;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Refusal.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** An adapter that learns a round a millisecond, keeps manifests for ten, and every fourth version as a snapshot. */
class ExpiryRulesTest {
    private static final int KEPT_MILLIS = 10;
    private static final int SNAPSHOT_EVERY = 4;

    private final CommitRules rules = new CommitRules(Limits.DEFAULT, new Retention(2,
            SNAPSHOT_EVERY, Duration.ZERO, Duration.ofMillis(KEPT_MILLIS)));
    private final InMemoryCommitLog log = new InMemoryCommitLog();
    private long epoch;
    private long seq;
    private long now;

    private void rounds(int count) {
        rounds(count, Samples.create(ADAPTER));
    }

    private void rounds(int count, CreateAdapterRequest adapter) {
        if (log.load().adapter(ADAPTER) == null) {
            log.putBlob(Samples.digest(Samples.START), Samples.START, 0);
            carryOut(new Command.CreateAdapter(adapter, 0));
            acquire();
        }
        for (int round = 0; round < count; round++) {
            now++;
            carryOut(new Command.PutManifest(
                    Samples.manifest(ADAPTER, ++seq, epoch, head(), "e" + seq), now));
            commit();
        }
    }

    private void acquire() {
        epoch = carryOut(new Command.AcquireEpoch(Samples.epoch(ADAPTER), now)).getEpoch();
    }

    private void commit() {
        byte[] weights = Samples.bytes("weights of " + seq);
        byte[] optimizer = Samples.bytes("optimizer of " + seq);
        log.putBlob(Samples.digest(weights), weights, 0);
        log.putBlob(Samples.digest(optimizer), optimizer, 0);
        carryOut(new Command.PutOutcome(
                Samples.committed(ADAPTER, seq, epoch, weights, optimizer), now));
    }

    private void replayAll() {
        acquire();
        while (adapter().record().hasRepair()) {
            PutReplayReply claimed = carryOut(new Command.PutReplay(PutReplayRequest.newBuilder()
                    .setAdapter(ADAPTER)
                    .setSeq(seq + 1)
                    .setEpoch(epoch)
                    .setParent(head())
                    .setBackend("reference/1")
                    .build(), now));
            if (claimed.getClaimed() > 0) {
                seq++;
                commit();
            }
        }
    }

    /** So late that all that was made up to then is too old. */
    private void expire(long upTo) {
        now = Math.max(now, upTo + KEPT_MILLIS + 1);
        while (carryOut(new Command.Expire(ADAPTER, upTo + KEPT_MILLIS + 1))) {
            // The next run.
        }
    }

    private Command.Excise excise(long version) {
        return new Command.Excise(ExciseRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(version)
                .setExpectedHead(head())
                .build(), now);
    }

    private Command.Rollback rollback(long version) {
        return new Command.Rollback(RollbackRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setVersion(version)
                .setExpectedHead(head())
                .build(), now);
    }

    private Command.Readmit readmit(long version) {
        return new Command.Readmit(ReadmitRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(version)
                .setExpectedHead(head())
                .build(), now);
    }

    private Command.Forget forget(long manifest) {
        return new Command.Forget(ADAPTER, Set.of(manifest), Set.of(), false, "", "", now);
    }

    private Command.SetAlias alias(String alias, long version) {
        var before = adapter().alias(alias);
        return new Command.SetAlias(Samples.alias(ADAPTER, alias, version,
                before == null ? 0 : before.getRevision()), now);
    }

    private <R> R carryOut(Command<R> command) {
        Decision<R> decision = rules.decide(log.load(), command, log);
        assertThat(decision).isInstanceOf(Decision.Accepted.class);
        Decision.Accepted<R> accepted = (Decision.Accepted<R>) decision;
        if (!accepted.facts().isEmpty()) {
            log.append(accepted.facts(), log.load().after(accepted.facts()), now);
        }
        return accepted.reply();
    }

    private Refusal refused(Command<?> command) {
        return ((Decision.Refused<?>) rules.decide(log.load(), command, log)).refusal();
    }

    private AdapterState adapter() {
        return log.load().adapter(ADAPTER);
    }

    private long head() {
        return adapter().head();
    }

    private List<Long> keptManifests() {
        return log.manifestsAfter(ADAPTER, 0, 10_000)
                .stream()
                .map(ManifestSummary::getSeq)
                .filter(each -> log.manifest(ADAPTER, each) != null)
                .toList();
    }

    private List<Long> trainable() {
        return log.versionsBefore(ADAPTER, Long.MAX_VALUE, 10_000)
                .stream()
                .filter(version -> RepairStart.trainable(version, log))
                .map(version -> version.getRef().getNumber())
                .toList();
    }

    private static Long[] range(long first, long last) {
        return LongStream.rangeClosed(first, last).boxed().toArray(Long[]::new);
    }

    @Test
    void manifestsGoUpToTheNewestSnapshotThatIsTooOld() {
        rounds(10);
        expire(3);
        assertThat(keptManifests()).containsExactly(range(1, 10));
        expire(7);
        assertThat(keptManifests()).containsExactly(range(5, 10));
        assertThat(trainable()).containsExactly(10L, 9L, 8L, 4L);
        expire(10);
        assertThat(keptManifests()).containsExactly(range(9, 10));
        assertThat(trainable()).as("the snapshot from which those are trained again")
                .containsExactly(10L, 9L, 8L);
    }

    @Test
    void whatIsKeptCanBeTakenOutAndForgotten() {
        rounds(11);
        expire(11);
        assertThat(carryOut(excise(10)).getBaseVersion()).isEqualTo(8);
        replayAll();
        Repair repair = carryOut(forget(seq - 1));
        assertThat(repair.getBaseVersion()).isEqualTo(8);
        assertThat(repair.getQuarantined()).isZero();
    }

    @Test
    void whatWouldHaveToBeTrainedAgainAndIsTooOldIsRefusedByName() {
        rounds(6);
        carryOut(alias("mine", 6));
        rounds(4);
        carryOut(rollback(8));
        acquire();
        rounds(4);
        expire(now);
        // Version 9 is out, 11 to 14 came after version 8, the snapshot that is oldest is 12.
        Refusal refusal = refused(rollback(7));
        assertThat(refusal.reason()).isEqualTo(Reason.VERSION_EXPIRED);
        assertThat(refusal.message()).contains("version 7", "store.manifests_kept", "after 12");
        assertThat(refused(excise(11)).reason()).isEqualTo(Reason.VERSION_EXPIRED);
        assertThat(refused(readmit(9)).reason()).isEqualTo(Reason.VERSION_EXPIRED);
        assertThat(carryOut(rollback(12)).getBaseVersion()).isEqualTo(12);
        assertThat(carryOut(rollback(6)).getRounds()).as("an alias names it").isZero();
        assertThat(carryOut(rollback(0)).getRounds()).isZero();
        assertThat(head()).isZero();
    }

    @Test
    void anOlderUserIsForgottenFromTheBaseModelOn() {
        rounds(10);
        expire(10);
        Repair repair = carryOut(forget(3));
        assertThat(repair.getBaseVersion()).isZero();
        assertThat(repair.getQuarantined()).isEqualTo(8);
        assertThat(repair.getLeftList()).containsExactly(
                VersionRange.newBuilder().setFirst(9).setLast(10).build());
        assertThat(log.manifestEntry(ADAPTER, 8).summary().getState())
                .isEqualTo(ManifestState.MANIFEST_STATE_ROLLED_BACK);
        replayAll();
        assertThat(adapter().lineage().numbers()).containsExactly(0L, 11L, 12L);
        assertThat(log.manifest(ADAPTER, 11).getParentDigest())
                .isEqualTo(Samples.digest(Samples.START));
        assertThat(adapter().alias(AliasRules.SERVING).getVersion()).isEqualTo(12);
    }

    @Test
    void whatWasServedAndIsTooOldGivesWayToTheBaseModelAtOnce() {
        rounds(2, Samples.create(ADAPTER)
                .toBuilder()
                .setRelease(ReleasePolicy.RELEASE_POLICY_MANUAL)
                .build());
        carryOut(alias(AliasRules.SERVING, 2));
        carryOut(alias("mine", 2));
        rounds(8);
        expire(10);
        carryOut(forget(1));
        assertThat(adapter().alias(AliasRules.SERVING).getVersion()).isZero();
        assertThat(adapter().alias("mine").getVersion()).isZero();
        replayAll();
        assertThat(adapter().alias(AliasRules.SERVING).getVersion()).as("nobody released more")
                .isZero();
    }

    @Test
    void feedbackThatIsWithdrawnWhenItIsTooOldIsForgottenLikewise() {
        rounds(10);
        expire(10);
        carryOut(new Command.WithdrawFeedback(WithdrawRequest.newBuilder()
                .setFeedback(Samples.example(ADAPTER, "e2").getFeedback(0))
                .build(), now));
        Repair repair = carryOut(new Command.ForgetWithdrawn(ADAPTER, now));
        assertThat(repair.getBaseVersion()).isZero();
        assertThat(repair.getQuarantined()).isEqualTo(8);
        assertThat(adapter().withdrawn()).isEmpty();
    }

    @Test
    void whatARepairHasYetToTrainIsKept() {
        rounds(10);
        carryOut(rollback(4));
        acquire();
        rounds(6);
        carryOut(readmit(7));
        expire(now);
        assertThat(keptManifests().getFirst()).as("behind the snapshot before it").isEqualTo(5);
        replayAll();
        expire(now);
        assertThat(keptManifests().getFirst()).isGreaterThan(12);
    }

    @Test
    void feedbackThatIsStillToBeForgottenKeepsItsManifest() {
        rounds(10);
        carryOut(new Command.WithdrawFeedback(WithdrawRequest.newBuilder()
                .setFeedback(Samples.example(ADAPTER, "e6").getFeedback(0))
                .build(), now));
        expire(10);
        assertThat(keptManifests()).containsExactly(range(5, 10));
        assertThat(carryOut(new Command.ForgetWithdrawn(ADAPTER, now)).getBaseVersion())
                .as("the snapshot before it")
                .isEqualTo(4);
    }

    @Test
    void allManifestsOfAnAdapterGoOnceItWasDeletedThatLongAgo() {
        rounds(3);
        carryOut(new Command.DeleteAdapter(Samples.delete(ADAPTER, 1), now));
        expire(now - 1);
        assertThat(keptManifests()).hasSize(3);
        expire(now);
        assertThat(keptManifests()).isEmpty();
    }

    @Test
    void nothingOldIsDrawnAgainstForgetting() {
        CreateAdapterRequest.Builder replaying = Samples.create(ADAPTER).toBuilder();
        replaying.getRoundBuilder().setReplayShare(2).setReplayManifests(8);
        rounds(11, replaying.build());
        expire(10);
        rounds(1);
        assertThat(log.manifest(ADAPTER, 12).getReplayedList())
                .extracting(Example::getExampleId)
                .as("all of the three that are kept can be drawn, and are the only ones")
                .hasSize(2)
                .isSubsetOf(Samples.digest("e9"), Samples.digest("e10"), Samples.digest("e11"));
    }

    @Test
    void whatWasDrawnFromARoundThatIsTooOldIsTrainedAgainThoughThatIsOut() {
        CreateAdapterRequest.Builder replaying = Samples.create(ADAPTER).toBuilder();
        replaying.getRoundBuilder().setReplayShare(1).setReplayManifests(1);
        rounds(10, replaying.build());
        expire(10);
        carryOut(forget(3));
        replayAll();
        assertThat(log.manifest(ADAPTER, 11).getReplayedList())
                .extracting(Example::getExampleId)
                .containsExactly(Samples.digest("e8"));
    }

    @Test
    void aThousandVersionsKeepNoMoreThanAFew() {
        for (int i = 0; i < 100; i++) {
            rounds(10);
            expire(now - KEPT_MILLIS - 1);
        }
        assertThat(head()).isEqualTo(1_000);
        assertThat(keptManifests()).hasSizeBetween(KEPT_MILLIS, KEPT_MILLIS + SNAPSHOT_EVERY);
        assertThat(trainable()).hasSizeLessThanOrEqualTo(2 + KEPT_MILLIS / SNAPSHOT_EVERY + 1);
        assertThat(log.versionsBefore(ADAPTER, Long.MAX_VALUE, 10_000))
                .as("records of all")
                .hasSize(1_001)
                .extracting(VersionRecord::getState)
                .containsOnly(VersionState.VERSION_STATE_COMMITTED);
    }
}
