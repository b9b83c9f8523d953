package dev.flywheel.store.core;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Refusal.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommitRulesTest {
    private static final Limits LIMITS =
            new Limits(3, 4, 2, 8, 1 << 20, 1 << 20, 1 << 20, 10, 1, 10, 10, 100);
    private static final Retention RETENTION =
            new Retention(3, 4, Duration.ZERO, Duration.ofDays(90));
    private static final byte[] WEIGHTS = Samples.bytes("weights");
    private static final byte[] OPTIMIZER = Samples.bytes("optimizer");

    private final CommitRules rules = new CommitRules(LIMITS, RETENTION);
    private final InMemoryCommitLog log = new InMemoryCommitLog();
    private long epoch;

    @BeforeEach
    void anAdapterWithAnEpoch() {
        log.putBlob(Samples.digest(Samples.START), Samples.START, 0);
        log.putBlob(Samples.digest(WEIGHTS), WEIGHTS, 0);
        log.putBlob(Samples.digest(OPTIMIZER), OPTIMIZER, 0);
        carryOut(new Command.CreateAdapter(Samples.create(ADAPTER), 1));
        epoch = acquire();
    }

    private long acquire() {
        return carryOut(new Command.AcquireEpoch(Samples.epoch(ADAPTER), 1)).getEpoch();
    }

    private <R> R carryOut(Command<R> command) {
        Decision<R> decision = rules.decide(log.load(), command, log);
        if (decision instanceof Decision.Accepted<R> accepted) {
            if (!accepted.facts().isEmpty()) {
                log.append(accepted.facts(), log.load().after(accepted.facts()), 1);
            }
            return accepted.reply();
        }
        throw new AssertionError("refused: " + decision);
    }

    private Refusal refuse(Command<?> command) {
        Decision<?> decision = rules.decide(log.load(), command, log);
        assertThat(decision).isInstanceOf(Decision.Refused.class);
        return ((Decision.Refused<?>) decision).refusal();
    }

    private PutManifestReply claim(long seq, long parent, String... ids) {
        return carryOut(new Command.PutManifest(
                Samples.manifest(ADAPTER, seq, epoch, parent, ids), 1));
    }

    private VersionRecord commit(long seq) {
        byte[] weights = Samples.bytes("weights " + seq);
        byte[] optimizer = Samples.bytes("optimizer " + seq);
        log.putBlob(Samples.digest(weights), weights, 1);
        log.putBlob(Samples.digest(optimizer), optimizer, 1);
        return carryOut(new Command.PutOutcome(
                Samples.committed(ADAPTER, seq, epoch, weights, optimizer), 1)).getVersion();
    }

    private void round(long number) {
        claim(number, number - 1, "example " + number);
        commit(number);
    }

    private long alias(String name) {
        return log.load().adapter(ADAPTER).alias(name).getVersion();
    }

    private boolean has(String blob) {
        return log.hasBlob(Samples.digest(blob));
    }

    @Test
    void aNameIsTakenOnce() {
        assertThat(refuse(new Command.CreateAdapter(Samples.create(ADAPTER), 2)).reason())
                .isEqualTo(Reason.ADAPTER_EXISTS);
    }

    @Test
    void anAdapterNeedsItsStartWeights() {
        CreateAdapterRequest request = Samples.create("other")
                .toBuilder()
                .setStartDigest(Samples.digest("nowhere"))
                .build();
        assertThat(refuse(new Command.CreateAdapter(request, 2)).reason())
                .isEqualTo(Reason.BLOB_MISSING);
    }

    @Test
    void thereIsALimitToAdapters() {
        carryOut(new Command.CreateAdapter(Samples.create("b"), 2));
        carryOut(new Command.CreateAdapter(Samples.create("c"), 2));
        assertThat(refuse(new Command.CreateAdapter(Samples.create("d"), 2)).reason())
                .isEqualTo(Reason.TOO_MANY_ADAPTERS);
    }

    @Test
    void anOldEpochCanNeitherClaimNorEnd() {
        claim(1, 0, "e1");
        long zombie = epoch;
        epoch = acquire();

        Refusal refusal = refuse(new Command.PutManifest(
                Samples.manifest(ADAPTER, 2, zombie, 0, "e2"), 1));
        assertThat(refusal.reason()).isEqualTo(Reason.STALE_EPOCH);
        assertThat(refusal.details()).containsEntry("expected", "1").containsEntry("actual", "2");
        assertThat(refuse(new Command.PutOutcome(
                Samples.ended(ADAPTER, 1, zombie, Outcome.OUTCOME_ABANDONED), 1)).reason())
                .isEqualTo(Reason.STALE_EPOCH);
    }

    @Test
    void anEpochThatWasNeverGivenIsRefusedToo() {
        assertThat(refuse(new Command.PutManifest(
                Samples.manifest(ADAPTER, 1, epoch + 1, 0, "e1"), 1)).reason())
                .isEqualTo(Reason.STALE_EPOCH);
    }

    @Test
    void aManifestMustStartFromHead() {
        round(1);
        assertThat(refuse(new Command.PutManifest(
                Samples.manifest(ADAPTER, 2, epoch, 0, "e2"), 1)).reason())
                .isEqualTo(Reason.HEAD_MOVED);
    }

    @Test
    void ofTwoRoundsFromOneParentOnlyTheFirstCommits() {
        claim(1, 0, "e1");
        claim(2, 0, "e2");
        commit(2);
        PutOutcomeRequest late = Samples.committed(ADAPTER, 1, epoch, WEIGHTS, OPTIMIZER);
        assertThat(refuse(new Command.PutOutcome(late, 1)).reason()).isEqualTo(Reason.HEAD_MOVED);
        assertThat(log.load().adapter(ADAPTER).headVersion().getParent()).isZero();
    }

    @Test
    void aSeqIsUsedOnceAndNotFarAhead() {
        claim(1, 0, "e1");
        assertThat(refuse(new Command.PutManifest(
                Samples.manifest(ADAPTER, 1, epoch, 0, "e2"), 1)).reason())
                .isEqualTo(Reason.SEQ_TAKEN);
        assertThat(refuse(new Command.PutManifest(
                Samples.manifest(ADAPTER, 5_000_000, epoch, 0, "e2"), 1)).reason())
                .isEqualTo(Reason.SEQ_OUT_OF_RANGE);
        assertThat(claim(7, 0, "e2").getClaimed()).isEqualTo(1);
    }

    @Test
    void aRepeatedClaimOfAnotherEpochIsNotTheSameClaim() {
        PutManifestRequest first = Samples.manifest(ADAPTER, 1, epoch, 0, "e1");
        carryOut(new Command.PutManifest(first, 1));
        epoch = acquire();
        assertThat(refuse(new Command.PutManifest(
                first.toBuilder().setEpoch(epoch).build(), 1)).reason())
                .isEqualTo(Reason.SEQ_TAKEN);
    }

    @Test
    void openManifestsAndTheirExamplesAreLimited() {
        assertThat(refuse(new Command.PutManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "1", "2",
                "3", "4", "5", "6", "7", "8", "9"), 1)).reason())
                .isEqualTo(Reason.TOO_MANY_EXAMPLES);
        claim(1, 0, "e1");
        claim(2, 0, "e2");
        assertThat(refuse(new Command.PutManifest(
                Samples.manifest(ADAPTER, 3, epoch, 0, "e3"), 1)).reason())
                .isEqualTo(Reason.TOO_MANY_OPEN_MANIFESTS);
    }

    @Test
    void whatWasWithdrawnIsRefusedAsRetracted() {
        Set<Tombstone> tombstones = Set.of(new Tombstone.OfExample(Samples.digest("e1")),
                new Tombstone.OfFeedback("web", "e2"),
                new Tombstone.OfUser("news", "user of e3"));
        assertThat(carryOut(new Command.Withdraw(tombstones, 1))).isEqualTo(tombstones);
        assertThat(carryOut(new Command.Withdraw(tombstones, 1))).isEmpty();

        PutManifestReply reply = claim(1, 0, "e1", "e2", "e3", "e4");

        assertThat(reply.getClaimed()).isEqualTo(1);
        assertThat(reply.getRefusedList()).hasSize(3)
                .allSatisfy(refused -> assertThat(
                        refused.getReason()).isEqualTo(RefusalReason.REFUSAL_REASON_RETRACTED));
    }

    @Test
    void aCommitNeedsBothBlobs() {
        claim(1, 0, "e1");
        assertThat(refuse(new Command.PutOutcome(Samples.committed(ADAPTER, 1, epoch,
                Samples.bytes("no"), OPTIMIZER), 1)).message()).contains("weights_digest");
        assertThat(refuse(new Command.PutOutcome(Samples.committed(ADAPTER, 1, epoch, WEIGHTS,
                Samples.bytes("no")), 1)).message()).contains("optimizer_digest");
    }

    @Test
    void anOutcomeNeverChanges() {
        round(1);
        assertThat(refuse(new Command.PutOutcome(
                Samples.ended(ADAPTER, 1, epoch, Outcome.OUTCOME_REJECTED), 1)).reason())
                .isEqualTo(Reason.OUTCOME_DIFFERS);
        assertThat(refuse(new Command.PutOutcome(
                Samples.committed(ADAPTER, 1, epoch, WEIGHTS, OPTIMIZER), 1)).reason())
                .isEqualTo(Reason.OUTCOME_DIFFERS);
        assertThat(refuse(new Command.PutOutcome(
                Samples.ended(ADAPTER, 9, epoch, Outcome.OUTCOME_REJECTED), 1)).reason())
                .isEqualTo(Reason.MANIFEST_NOT_FOUND);
    }

    @Test
    void anOutcomeRepeatedInANewEpochIsTheSame() {
        claim(1, 0, "e1");
        VersionRecord committed = commit(1);
        epoch = acquire();
        assertThat(commit(1)).isEqualTo(committed);
        assertThat(log.load().adapter(ADAPTER).head()).isEqualTo(1);
    }

    @Test
    void servingFollowsHeadUntilAnOperatorPinsIt() {
        round(1);
        assertThat(alias("serving")).isEqualTo(1);
        carryOut(new Command.SetAlias(Samples.alias(ADAPTER, "serving", 0, 2), 1));
        assertThat(alias("previous")).isEqualTo(1);
        round(2);
        assertThat(alias("serving")).isZero();
        assertThat(log.load().adapter(ADAPTER).head()).isEqualTo(2);
        carryOut(new Command.SetAlias(Samples.alias(ADAPTER, "serving", 2, 3), 1));
        round(3);
        assertThat(alias("serving")).isEqualTo(3);
        assertThat(alias("previous")).isEqualTo(2);
    }

    @Test
    void underManualOnlyOperatorsMoveServing() {
        CreateAdapterRequest manual = Samples.create("manual")
                .toBuilder()
                .setRelease(ReleasePolicy.RELEASE_POLICY_MANUAL)
                .build();
        carryOut(new Command.CreateAdapter(manual, 1));
        long own = carryOut(new Command.AcquireEpoch(Samples.epoch("manual"), 1)).getEpoch();
        carryOut(new Command.PutManifest(Samples.manifest("manual", 1, own, 0, "m1"), 1));
        carryOut(new Command.PutOutcome(
                Samples.committed("manual", 1, own, WEIGHTS, OPTIMIZER), 1));
        assertThat(log.load().adapter("manual").alias("serving").getVersion()).isZero();
        assertThat(log.load().adapter("manual").head()).isEqualTo(1);
    }

    @Test
    void anAliasMovesOnlyFromTheRevisionThatWasRead() {
        Refusal refusal = refuse(new Command.SetAlias(Samples.alias(ADAPTER, "serving", 0, 7), 1));
        assertThat(refusal.reason()).isEqualTo(Reason.ALIAS_CONFLICT);
        assertThat(refusal.details()).containsEntry("expected", "7").containsEntry("actual", "1");
        AliasRecord mine = carryOut(new Command.SetAlias(Samples.alias(ADAPTER, "mine", 0, 0), 1));
        assertThat(mine.getRevision()).isEqualTo(1);
        assertThat(refuse(new Command.SetAlias(Samples.alias(ADAPTER, "mine", 0, 0), 1)).reason())
                .isEqualTo(Reason.ALIAS_CONFLICT);
    }

    @Test
    void anAliasNamesOnlyWhatIsThere() {
        assertThat(refuse(new Command.SetAlias(Samples.alias(ADAPTER, "mine", 5, 0), 1)).reason())
                .isEqualTo(Reason.VERSION_NOT_FOUND);
        for (long number = 1; number <= 6; number++) {
            round(number);
        }
        assertThat(refuse(new Command.SetAlias(Samples.alias(ADAPTER, "mine", 2, 0), 1)).reason())
                .isEqualTo(Reason.VERSION_NOT_KEPT);
    }

    @Test
    void blobsStayForTheNewestTheAliasedAndEverySnapshot() {
        for (long number = 1; number <= 3; number++) {
            round(number);
        }
        carryOut(new Command.SetAlias(Samples.alias(ADAPTER, "mine", 1, 0), 1));
        for (long number = 4; number <= 9; number++) {
            round(number);
        }
        List<Long> kept = LongStream.rangeClosed(1, 9)
                .boxed()
                .filter(number -> has("weights " + number))
                .toList();
        assertThat(kept).containsExactly(1L, 4L, 7L, 8L, 9L);
        List<Long> optimizers = LongStream.rangeClosed(1, 9)
                .boxed()
                .filter(number -> has("optimizer " + number))
                .toList();
        // 8 is both a snapshot and `previous`; 1 had lost its optimizer state before it was named.
        assertThat(optimizers).containsExactly(4L, 8L, 9L);

        carryOut(new Command.SetAlias(Samples.alias(ADAPTER, "mine", 9, 1), 1));
        assertThat(has("weights 1")).isFalse();
        assertThat(log.hasBlob(Samples.digest(Samples.START))).isTrue();
    }

    @Test
    void aBlobThatTwoVersionsShareStaysUntilTheLastLetsGo() {
        carryOut(new Command.CreateAdapter(Samples.create("twin"), 1));
        for (long number = 1; number <= 5; number++) {
            round(number);
        }
        assertThat(log.hasBlob(Samples.digest(Samples.START))).isTrue();
    }

    @Test
    void factsThatBreakARuleAreNotApplied() {
        StoreState state = log.load();
        VersionRecord orphan = log.version(ADAPTER, 0).toBuilder().setParent(3).build();
        assertThatThrownBy(() -> state.after(List.of(new Fact.VersionCommitted(orphan))))
                .isInstanceOf(BrokenInvariantException.class);
        assertThatThrownBy(() -> state.after(List.of(new Fact.EpochAcquired(ADAPTER, 1, "w"))))
                .isInstanceOf(BrokenInvariantException.class);
        assertThatThrownBy(() -> state.after(List.of(new Fact.EpochAcquired("none", 1, "w"))))
                .isInstanceOf(BrokenInvariantException.class);
    }
}
