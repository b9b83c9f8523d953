package dev.flywheel.store.core;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Refusal.Reason;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Adapters that are configured and deleted while they are trained, and what their rounds are given of earlier ones. */
class AdapterChangesTest {
    private static final Limits LIMITS =
            new Limits(3, 4, 2, 8, 1 << 20, 1 << 20, 1 << 20, 10, 1, 10, 10, 100);
    private static final Retention RETENTION =
            new Retention(3, 4, Duration.ZERO, Duration.ofDays(90));

    private final CommitRules rules = new CommitRules(LIMITS, RETENTION);
    private final InMemoryCommitLog log = new InMemoryCommitLog();
    private long epoch;

    @BeforeEach
    void anAdapterWithAnEpoch() {
        log.putBlob(Samples.digest(Samples.START), Samples.START, 0);
        carryOut(new Command.CreateAdapter(
                Samples.create(ADAPTER).toBuilder().setActor("ann").build(),
                1));
        epoch = carryOut(new Command.AcquireEpoch(Samples.epoch(ADAPTER), 1)).getEpoch();
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

    private AdapterRecord record() {
        return log.load().adapter(ADAPTER).record();
    }

    private AuditEntry lastAudit() {
        return log.audit(ADAPTER, 1).getFirst();
    }

    private PutManifestReply claim(long seq, String... ids) {
        return carryOut(claiming(seq, ids));
    }

    private Command.PutManifest claiming(long seq, String... ids) {
        return new Command.PutManifest(
                Samples.manifest(ADAPTER, seq, epoch, record().getHead(), ids), 1);
    }

    private void commit(long seq, String... untrainable) {
        carryOut(new Command.PutOutcome(committing(seq).toBuilder()
                .addAllUntrainable(Arrays.stream(untrainable)
                        .map(Samples::untrainable)
                        .toList())
                .build(), 1));
    }

    private PutOutcomeRequest committing(long seq) {
        byte[] weights = Samples.bytes("weights " + seq);
        byte[] optimizer = Samples.bytes("optimizer " + seq);
        log.putBlob(Samples.digest(weights), weights, 1);
        log.putBlob(Samples.digest(optimizer), optimizer, 1);
        return Samples.committed(ADAPTER, seq, epoch, weights, optimizer);
    }

    private AdapterRecord configure(ConfigureAdapterRequest.Builder request) {
        return carryOut(new Command.ConfigureAdapter(request.build(), 7));
    }

    private ConfigureAdapterRequest.Builder now() {
        return ConfigureAdapterRequest.newBuilder()
                .setName(ADAPTER)
                .setExpectedRevision(record().getRevision())
                .setActor("bob");
    }

    private void replay(double share, int manifests) {
        configure(now().setRound(record().getRound()
                .toBuilder()
                .setReplayShare(share)
                .setReplayManifests(manifests)));
    }

    private AdapterRecord delete() {
        return carryOut(new Command.DeleteAdapter(
                Samples.delete(ADAPTER, record().getRevision()), 9));
    }

    // Configured.

    @Test
    void whatAnAdapterIsMadeWithIsKeptAndAudited() {
        CreateAdapterRequest.Builder request = Samples.create("other").toBuilder().setActor("eve");
        request.getLearningBuilder().getThumbBuilder().setWeight(0.5);
        request.getExplorationBuilder().setEpsilon(0.1);
        request.getQuotaBuilder().setRequestsMax(3);
        AdapterRecord made = carryOut(new Command.CreateAdapter(request.build(), 5));
        assertThat(made.getLearning()).isEqualTo(request.getLearning());
        assertThat(made.getExploration()).isEqualTo(request.getExploration());
        assertThat(made.getQuota()).isEqualTo(request.getQuota());
        assertThat(made.getRevision()).isEqualTo(1);
        List<AuditEntry> audit = log.audit("other", 9);
        assertThat(audit).extracting(AuditEntry::getAction)
                .containsExactly(AuditAction.AUDIT_ACTION_ALIAS_MOVED,
                        AuditAction.AUDIT_ACTION_CREATED);
        assertThat(audit.getLast().getActor()).isEqualTo("eve");
        assertThat(audit.getLast().getAtMillis()).isEqualTo(5);
    }

    @Test
    void aChangeIsAuditedWithWhoWhyAndWhatBecameOfWhat() {
        AdapterRecord changed = carryOut(new Command.ConfigureAdapter(
                Samples.configure(record()), 7));
        assertThat(changed).isEqualTo(record());
        assertThat(changed.getRevision()).isEqualTo(2);
        assertThat(changed.getRound().getLearningRate()).isEqualTo(2e-3);
        AuditEntry entry = lastAudit();
        assertThat(entry.getAction()).isEqualTo(AuditAction.AUDIT_ACTION_CONFIGURED);
        assertThat(entry.getActor()).isEqualTo("operator");
        assertThat(entry.getReason()).isEqualTo("because");
        assertThat(entry.getAtMillis()).isEqualTo(7);
        assertThat(entry.getRevision()).isEqualTo(2);
        assertThat(entry.getChanges()).isEqualTo("round.learning_rate: 0.001 -> 0.002\n"
                + "learning.click.loss: unset -> BINARY");
    }

    @Test
    void whatIsUnsetStaysAndWhatIsSetTakesTheWholePlace() {
        ConfigureAdapterRequest.Builder first = now();
        first.getLearningBuilder().getClickBuilder().setLoss(Loss.LOSS_BINARY).setWeight(2);
        first.getExplorationBuilder().setEpsilon(0.2);
        configure(first);
        ConfigureAdapterRequest.Builder second = now();
        second.getLearningBuilder().getClickBuilder().setWeight(3);
        AdapterRecord changed = configure(second);
        assertThat(changed.getLearning()).isEqualTo(second.getLearning());
        assertThat(changed.getExploration().getEpsilon()).isEqualTo(0.2);
        assertThat(changed.getRound()).isEqualTo(Samples.create(ADAPTER).getRound());
        assertThat(lastAudit().getChanges()).isEqualTo(
                "learning.click.loss: BINARY -> unset\nlearning.click.weight: 2 -> 3");
        assertThat(configure(now().setRelease(ReleasePolicy.RELEASE_POLICY_MANUAL)).getRelease())
                .isEqualTo(ReleasePolicy.RELEASE_POLICY_MANUAL);
    }

    @Test
    void whoReadAnOlderRevisionIsToldAndChangesNothing() {
        ConfigureAdapterRequest stale = Samples.configure(record());
        configure(now().setRelease(ReleasePolicy.RELEASE_POLICY_MANUAL));
        Refusal refusal = refuse(new Command.ConfigureAdapter(stale, 7));
        assertThat(refusal.reason()).isEqualTo(Reason.ADAPTER_CONFLICT);
        assertThat(refusal.details()).containsEntry("expected", "1").containsEntry("actual", "2");
        assertThat(refuse(new Command.DeleteAdapter(Samples.delete(ADAPTER, 1), 7)).reason())
                .isEqualTo(Reason.ADAPTER_CONFLICT);
        assertThat(refuse(new Command.ConfigureAdapter(
                stale.toBuilder().setName("none").build(), 7)).reason())
                .isEqualTo(Reason.ADAPTER_NOT_FOUND);
    }

    @Test
    void whatChangesNothingIsNoChange() {
        long commits = log.load().commit();
        AdapterRecord same = configure(now().setRound(record().getRound()));
        assertThat(same.getRevision()).isEqualTo(1);
        assertThat(log.load().commit()).isEqualTo(commits);
    }

    @Test
    void roundsThatAreClaimedLaterGoByTheNewSettingsAndTheDriverIsTold() {
        assertThat(claim(1, "e1").hasAdapter()).isFalse();
        carryOut(new Command.ConfigureAdapter(Samples.configure(record()), 7));
        PutManifestReply reply = claim(2, "e2");
        assertThat(reply.getAdapter()).isEqualTo(record());
        assertThat(log.manifest(ADAPTER, 1).getSettings().getLearningRate()).isEqualTo(1e-3);
        assertThat(log.manifest(ADAPTER, 2).getSettings().getLearningRate()).isEqualTo(2e-3);
    }

    // Deleted.

    @Test
    void aDeletedAdapterIsClosedToEverythingThatWrites() {
        claim(1, "e1");
        AdapterRecord deleted = delete();
        assertThat(deleted.getDeletedAtMillis()).isEqualTo(9);
        assertThat(deleted.getRevision()).isEqualTo(2);
        assertThat(log.load().adapter(ADAPTER).epoch()).as("nobody's").isEqualTo(epoch + 1);
        for (Command<?> command : List.of(claiming(2, "e2"),
                new Command.PutOutcome(committing(1), 9),
                new Command.AcquireEpoch(Samples.epoch(ADAPTER), 9),
                new Command.SetAlias(Samples.alias(ADAPTER, "mine", 0, 0), 9),
                new Command.ConfigureAdapter(Samples.configure(deleted), 9),
                new Command.DeleteAdapter(Samples.delete(ADAPTER, 2), 9))) {
            assertThat(refuse(command).reason()).as("%s", command)
                    .isEqualTo(Reason.ADAPTER_NOT_FOUND);
        }
        Refusal taken = refuse(new Command.CreateAdapter(Samples.create(ADAPTER), 9));
        assertThat(taken.reason()).isEqualTo(Reason.ADAPTER_EXISTS);
        assertThat(taken.message()).contains("was deleted");
        assertThat(lastAudit().getAction()).isEqualTo(AuditAction.AUDIT_ACTION_DELETED);
        assertThat(lastAudit().getReason()).isEqualTo("no longer wanted");
    }

    @Test
    void whatItsOpenRoundsHadClaimedIsFreeAgain() {
        claim(1, "e1", "e2");
        claim(2, "e3");
        delete();
        assertThat(log.load().adapter(ADAPTER).open()).isEmpty();
        assertThat(log.manifestsAfter(ADAPTER, 0, 9)).hasSize(2)
                .allSatisfy(each -> assertThat(each.getState())
                        .isEqualTo(ManifestState.MANIFEST_STATE_ABANDONED));
        log.putBlob(Samples.digest(Samples.START), Samples.START, 9);
        carryOut(new Command.CreateAdapter(Samples.create("next"), 9));
        long own = carryOut(new Command.AcquireEpoch(Samples.epoch("next"), 9)).getEpoch();
        PutManifestReply reply = carryOut(new Command.PutManifest(
                Samples.manifest("next", 1, own, 0, "e1", "e3"), 9));
        assertThat(reply.getClaimed()).isEqualTo(2);
    }

    @Test
    void whoHadEndedARoundBeforeLearnsSoWhenItAsksAgain() {
        claim(1, "e1");
        commit(1);
        delete();
        assertThat(carryOut(new Command.PutOutcome(committing(1), 9)).getVersion()
                .getRef()
                .getNumber()).isEqualTo(1);
        assertThat(refuse(new Command.PutOutcome(
                Samples.ended(ADAPTER, 1, epoch, Outcome.OUTCOME_REJECTED), 9)).reason())
                .isEqualTo(Reason.ADAPTER_NOT_FOUND);
    }

    @Test
    void itsWeightsAreLetGoAndItsRecordsStay() {
        for (int seq = 1; seq <= 9; seq++) {
            claim(seq, "e" + seq);
            commit(seq);
        }
        delete();
        for (int seq = 1; seq <= 9; seq++) {
            assertThat(log.hasBlob(Samples.digest("weights " + seq))).as("weights " + seq)
                    .isFalse();
            assertThat(log.hasBlob(Samples.digest("optimizer " + seq))).isFalse();
            assertThat(log.version(ADAPTER, seq)).isNotNull();
        }
        assertThat(log.hasBlob(Samples.digest(Samples.START))).isFalse();
        assertThat(log.manifest(ADAPTER, 9)).isNotNull();
    }

    @Test
    void factsThatBreakARuleOfChangesAreNotApplied() {
        StoreState state = log.load();
        AuditEntry entry = AuditEntry.newBuilder().setAdapter(ADAPTER).setSequence(3).build();
        AdapterRecord next = record().toBuilder().setRevision(2).build();
        for (AdapterRecord wrong : List.of(record(), next.toBuilder().setHead(1).build(),
                next.toBuilder().setBaseDigest("x").build())) {
            assertThatThrownBy(() -> state.after(List.of(new Fact.AdapterChanged(wrong, entry))))
                    .isInstanceOf(BrokenInvariantException.class);
        }
        assertThatThrownBy(() -> state.after(List.of(
                new Fact.AdapterChanged(next, entry.toBuilder().setSequence(4).build()))))
                .isInstanceOf(BrokenInvariantException.class);
    }

    // Replayed.

    private Set<String> replayed(long seq) {
        Set<String> ids = new TreeSet<>();
        for (Example example : log.manifest(ADAPTER, seq).getReplayedList()) {
            assertThat(ids.add(example.getFeedback(0).getFeedbackId())).isTrue();
        }
        return ids;
    }

    private void rounds(int from, int to) {
        for (int seq = from; seq <= to; seq++) {
            claim(seq, "a" + seq, "b" + seq);
            commit(seq);
        }
    }

    @Test
    void aRoundIsGivenItsShareOfWhatTheLastRoundsTrained() {
        rounds(1, 6);
        assertThat(replayed(6)).isEmpty();
        replay(1.5, 3);
        claim(7, "c1", "c2");
        assertThat(replayed(7)).hasSize(3).isSubsetOf("a4", "b4", "a5", "b5", "a6", "b6");
        assertThat(log.manifest(ADAPTER, 7).getExamplesCount()).isEqualTo(2);
        commit(7);
        replay(4, 100_000);
        claim(8, "d1", "d2", "d3", "d4");
        assertThat(replayed(8)).hasSize(14);
        replay(0.1, 100_000);
        claim(9, "f1", "f2", "f3", "f4");
        assertThat(replayed(9)).as("0.4 examples").isEmpty();
    }

    @Test
    void whatIsReplayedClaimsNothingAndIsNotCounted() {
        rounds(1, 1);
        replay(1, 1);
        PutManifestReply reply = claim(2, "c1", "c2");
        assertThat(reply.getClaimed()).isEqualTo(2);
        assertThat(replayed(2)).containsExactly("a1", "b1");
        assertThat(log.manifestEntry(ADAPTER, 2).summary().getExamples()).isEqualTo(2);
        assertThat(log.manifestEntry(ADAPTER, 2).summary().getFeedbackList()).hasSize(2);
        carryOut(new Command.PutOutcome(
                Samples.ended(ADAPTER, 2, epoch, Outcome.OUTCOME_ABANDONED), 1));
        assertThat(claim(3, "a1", "c1").getRefused(0).getManifestSeq()).isEqualTo(1);
    }

    @Test
    void neitherWhatWasWithdrawnNorWhatCouldNotBeTrainedIsReplayed() {
        claim(1, "a1", "b1", "c1", "d1");
        commit(1, "b1");
        claim(2, "a2");
        carryOut(new Command.PutOutcome(
                Samples.ended(ADAPTER, 2, epoch, Outcome.OUTCOME_REJECTED), 1));
        carryOut(new Command.Withdraw(Set.of(new Tombstone.OfFeedback("web", "a1"),
                new Tombstone.OfUser("news", "user of c1")), 1));
        replay(4, 10);
        claim(3, "e1", "e2");
        assertThat(replayed(3)).containsExactly("d1");
    }

    @Test
    void anAnswerThatARoundHasSomethingNewOfIsNotReplayed() {
        rounds(1, 1);
        replay(4, 10);
        PutManifestRequest.Builder request =
                Samples.manifest(ADAPTER, 2, epoch, 1, "c1").toBuilder();
        request.getExamplesBuilder(0).setImpressionId("impression of a1");
        carryOut(new Command.PutManifest(request.build(), 1));
        assertThat(replayed(2)).containsExactly("b1");
    }

    @Test
    void theSameSeedDrawsTheSameAndAnotherSeedOthers() {
        rounds(1, 30);
        replay(1, 30);
        Set<List<Example>> draws = new HashSet<>();
        for (int seed = 0; seed < 5; seed++) {
            PutManifestRequest request =
                    Samples.manifest(ADAPTER, 31, epoch, 30, "c1", "c2", "c3")
                            .toBuilder()
                            .setSeed(seed)
                            .build();
            List<Example> first = drawn(request);
            assertThat(drawn(request)).isEqualTo(first).hasSize(3);
            draws.add(first);
        }
        assertThat(draws).hasSize(5);
    }

    private List<Example> drawn(PutManifestRequest request) {
        Decision<?> decision =
                rules.decide(log.load(), new Command.PutManifest(request, 1), log);
        Fact fact = ((Decision.Accepted<?>) decision).facts().getFirst();
        return ((Fact.ManifestClaimed) fact).manifest().getReplayedList();
    }

    @Test
    void overManySeedsEveryExampleHasItsTurn() {
        rounds(1, 10);
        replay(1, 10);
        Set<String> ids = new TreeSet<>();
        for (int seed = 0; seed < 200; seed++) {
            drawn(Samples.manifest(ADAPTER, 11, epoch, 10, "c1", "c2")
                    .toBuilder()
                    .setSeed(seed)
                    .build())
                    .forEach(each -> ids.add(each.getFeedback(0).getFeedbackId()));
        }
        assertThat(ids).hasSize(20);
    }

    @Test
    void aManifestStaysWithinItsBytesWhateverIsReplayed() {
        rounds(1, 20);
        replay(4, 20);
        int bytes = Samples.manifest(ADAPTER, 21, epoch, 20, "c1").getSerializedSize();
        Limits tight = new Limits(3, 4, 2, 8, 6 * bytes, 1 << 20, 1 << 20, 10, 1, 10, 10, 100);
        Command.PutManifest command = claiming(21, IntStream.range(0, 2)
                .mapToObj(i -> "c" + i)
                .toArray(String[]::new));
        Decision<?> decision =
                new CommitRules(tight, RETENTION).decide(log.load(), command, log);
        Fact fact = ((Decision.Accepted<?>) decision).facts().getFirst();
        assertThat(((Fact.ManifestClaimed) fact).manifest().getReplayedCount()).isBetween(1, 7);
        assertThat(((Fact.ManifestClaimed) fact).manifest().getSerializedSize())
                .isLessThanOrEqualTo(6 * bytes);
    }
}
