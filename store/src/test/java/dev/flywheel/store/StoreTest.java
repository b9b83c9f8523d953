package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedExample;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.WithdrawReply;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The protocol of a round, from outside, over the real disk. */
class StoreTest {
    @TempDir Path folder;

    @Test
    void whatIsWithdrawnIsNeverClaimedAfterARestartNorAfterItsRoundIsAbandoned() {
        FeedbackKey early = Samples.example(ADAPTER, "e1").getFeedback(0);
        FeedbackKey claimed = Samples.example(ADAPTER, "e2").getFeedback(0);
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            assertThat(running.client.withdraw(early).getManifestSeq()).isZero();
            running.client.putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e2"));
            WithdrawReply reply = running.client.withdraw(claimed);
            assertThat(reply.getManifestSeq()).isEqualTo(1);
            assertThat(reply.getAdapter()).isEqualTo(ADAPTER);
            assertThat(reply.getOpen()).isTrue();
        }
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.client.acquireEpoch(ADAPTER, "driver-2").getEpoch();
            assertThat(running.client.withdraw(claimed).getOpen()).isTrue();
            running.client.putOutcome(
                    Samples.ended(ADAPTER, 1, epoch, Outcome.OUTCOME_ABANDONED));
            PutManifestReply reply = running.client
                    .putManifest(Samples.manifest(ADAPTER, 2, epoch, 0, "e1", "e2", "e3"));
            assertThat(reply.getClaimed()).isEqualTo(1);
            assertThat(reply.getRefusedList()).hasSize(2)
                    .allSatisfy(refused -> assertThat(refused.getReason())
                            .isEqualTo(RefusalReason.REFUSAL_REASON_RETRACTED));
            assertThat(running.client.withdraw(claimed).getManifestSeq()).isZero();
        }
    }

    @Test
    void whatWasClaimedBeforeItWasWithdrawnIsStillFoundWhereItIs() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.commitRound(ADAPTER, 1, epoch, 0, "e1");
            WithdrawReply late =
                    running.client.withdraw(Samples.example(ADAPTER, "e1").getFeedback(0));
            assertThat(late.getManifestSeq()).isEqualTo(1);
            assertThat(late.getOpen()).isFalse();
            PutManifestReply again =
                    running.client.putManifest(Samples.manifest(ADAPTER, 2, epoch, 1, "e1"));
            assertThat(again.getRefused(0).getReason())
                    .isEqualTo(RefusalReason.REFUSAL_REASON_DUPLICATE);
            assertThat(again.getRefused(0).getManifestSeq()).isEqualTo(1);
            assertThatThrownBy(
                    () -> running.client.withdraw(FeedbackKey.getDefaultInstance()))
                    .hasMessageContaining("feedback.feedback_id");
        }
    }

    @Test
    void aRoundMovesHeadServingAndPreviousInOneCommit() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            long before = running.store.commits();

            PutOutcomeReply reply = running.commitRound(ADAPTER, 1, epoch, 0, "e1", "e2");

            assertThat(running.store.commits()).isEqualTo(before + 2);
            assertThat(reply.getHead()).isEqualTo(1);
            assertThat(reply.getVersion().getRef().getDigest())
                    .isEqualTo(Samples.digest("weights " + ADAPTER + 1));
            assertThat(running.client.getAdapter(ADAPTER).getHead()).isEqualTo(1);
            assertThat(aliases(running)).containsExactly("previous=0@1", "serving=1@2");
            assertThat(running.client.getVersion(ADAPTER, 1)).isEqualTo(reply.getVersion());
            assertThat(reply.getVersion().getParent()).isZero();
            assertThat(reply.getVersion().getManifestSeq()).isEqualTo(1);
        }
    }

    private static List<String> aliases(RunningStore running) {
        return running.client.listAliases(ADAPTER)
                .stream()
                .map(
                        a -> a.getAlias() + "=" + a.getVersion() + "@" + a.getRevision())
                .toList();
    }

    @Test
    void anExampleIsClaimedOnceAndARefusedOneIsNamed() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.commitRound(ADAPTER, 1, epoch, 0, "e1", "e2");

            PutManifestReply reply = running.client
                    .putManifest(Samples.manifest(ADAPTER, 2, epoch, 1, "e2", "e3"));

            assertThat(reply.getClaimed()).isEqualTo(1);
            assertThat(reply.getRefusedList()).singleElement().satisfies(refused -> {
                assertThat(refused.getExampleId()).isEqualTo(Samples.digest("e2"));
                assertThat(refused.getReason())
                        .isEqualTo(RefusalReason.REFUSAL_REASON_DUPLICATE);
            });
            Manifest manifest = running.client.getManifest(ADAPTER, 2);
            assertThat(manifest.getExamplesList())
                    .containsExactly(Samples.example(ADAPTER, "e3"));
            assertThat(manifest.getParentDigest())
                    .isEqualTo(Samples.digest("weights " + ADAPTER + 1));
            assertThat(manifest.getSettings()).isEqualTo(Samples.create(ADAPTER).getRound());
        }
    }

    @Test
    void anEventIsClaimedOnceWhicheverExamplesItComesAs() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.createAdapter("other");
            running.commitRound(ADAPTER, 1, epoch, 0, "f");
            PutManifestRequest again = PutManifestRequest.newBuilder(
                    Samples.manifest(ADAPTER, 2, epoch, 1, "e1", "e2", "g", "e3"))
                    .setExamples(0, ofEvent("e1", "f"))
                    .setExamples(3, ofEvent("e3", "g"))
                    .build();

            PutManifestReply reply = running.client.putManifest(again);

            assertThat(reply.getRefusedList()).extracting(RefusedExample::getExampleId,
                    RefusedExample::getReason, RefusedExample::getManifestSeq)
                    .containsExactly(
                            tuple(Samples.digest("e1"), RefusalReason.REFUSAL_REASON_DUPLICATE, 1L),
                            tuple(Samples.digest("e3"), RefusalReason.REFUSAL_REASON_DUPLICATE,
                                    2L));
            PutManifestReply elsewhere = running.client
                    .putManifest(Samples.manifest("other", 1, 1, 0, "g"));
            assertThat(elsewhere.getRefused(0).getManifestSeq()).as("of another adapter").isZero();
            running.client.putOutcome(
                    Samples.ended(ADAPTER, 2, epoch, Outcome.OUTCOME_ABANDONED));
            assertThat(running.client.putManifest(Samples.manifest("other", 1, 1, 0, "g"))
                    .getClaimed()).as("free again").isEqualTo(1);
        }
    }

    private static Example ofEvent(String id, String feedbackId) {
        Example.Builder example = Samples.example(ADAPTER, id).toBuilder();
        example.getFeedbackBuilder(0).setFeedbackId(feedbackId);
        return example.build();
    }

    @Test
    void aManifestWhoseExamplesAreAllRefusedWritesNothing() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.commitRound(ADAPTER, 1, epoch, 0, "e1");
            long before = running.store.commits();

            PutManifestReply reply =
                    running.client.putManifest(Samples.manifest(ADAPTER, 2, epoch, 1, "e1"));

            assertThat(reply.getClaimed()).isZero();
            assertThat(running.store.commits()).isEqualTo(before);
            assertThat(running.client.acquireEpoch(ADAPTER, "next").getNextSeq()).isEqualTo(2);
        }
    }

    @Test
    void repeatedRequestsGetTheFirstReplyAndChangeNothing() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.commitRound(ADAPTER, 1, epoch, 0, "e1");
            PutManifestRequest claim = Samples.manifest(ADAPTER, 2, epoch, 1, "e1", "e2");
            PutManifestReply claimed = running.client.putManifest(claim);
            byte[] weights = Samples.bytes("w");
            byte[] optimizer = Samples.bytes("o");
            running.client.putBlob(weights);
            running.client.putBlob(optimizer);
            var outcome = Samples.committed(ADAPTER, 2, epoch, weights, optimizer);
            PutOutcomeReply committed = running.client.putOutcome(outcome);
            long before = running.store.commits();

            assertThat(running.client.putManifest(claim)).isEqualTo(claimed);
            assertThat(running.client.putOutcome(outcome)).isEqualTo(committed);
            assertThat(running.store.commits()).isEqualTo(before);
        }
    }

    @Test
    void aNewEpochFinishesWhatAnOlderOneClaimed() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.client.putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e1"));

            long next = running.client.acquireEpoch(ADAPTER, "driver-2").getEpoch();
            List<Manifest> open = running.client.listOpenManifests(ADAPTER);
            assertThat(open).singleElement()
                    .isEqualTo(running.client.getManifest(ADAPTER, 1));
            running.client.putOutcome(
                    Samples.ended(ADAPTER, 1, next, Outcome.OUTCOME_ABANDONED));

            assertThat(running.client.listOpenManifests(ADAPTER)).isEmpty();
            assertThat(running.client.putManifest(Samples.manifest(ADAPTER, 2, next, 0, "e1"))
                    .getClaimed()).isEqualTo(1);
        }
    }

    @Test
    void aRejectedManifestKeepsItsExamplesQuarantined() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.client.putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e1"));
            running.client.putOutcome(Samples.ended(ADAPTER, 1, epoch, Outcome.OUTCOME_REJECTED));

            assertThat(running.client.putManifest(Samples.manifest(ADAPTER, 2, epoch, 0, "e1"))
                    .getClaimed()).isZero();
            assertThat(running.client.getAdapter(ADAPTER).getHead()).isZero();
        }
    }

    /** P3: an event is quarantined if none of its examples could be trained on; the claims stay. */
    @Test
    void feedbackOfExamplesThatCouldNotBeTrainedOnIsQuarantinedThoughTheRoundIsCommitted() {
        ManifestSummary summary;
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            PutManifestRequest.Builder claim =
                    Samples.manifest(ADAPTER, 1, epoch, 0, "e1", "e2", "e3", "e4").toBuilder();
            claim.getExamplesBuilder(3)
                    .setImpressionId(claim.getExamples(0).getImpressionId())
                    .addFeedback(claim.getExamples(0).getFeedback(0));
            running.client.putManifest(claim.build());
            PutOutcomeRequest outcome = commit(running, 1, epoch).toBuilder()
                    .addUntrainable(Samples.untrainable("e2"))
                    .addUntrainable(Samples.untrainable("e4"))
                    .build();
            PutOutcomeReply committed = running.client.putOutcome(outcome);

            assertThat(running.client.putOutcome(outcome)).isEqualTo(committed);
            summary = summary(running, 1);
            assertThat(summary.getState()).isEqualTo(ManifestState.MANIFEST_STATE_COMMITTED);
            assertThat(summary.getFeedbackList()).extracting(FeedbackKey::getFeedbackId)
                    .containsExactly("e1", "e2", "e3", "e4");
            assertThat(summary.getQuarantinedList()).extracting(FeedbackKey::getFeedbackId)
                    .containsExactly("e2", "e4");
            assertThat(running.client.putManifest(Samples.manifest(ADAPTER, 2, epoch, 1, "e2"))
                    .getClaimed()).isZero();
        }
        try (RunningStore running = new RunningStore(folder)) {
            assertThat(summary(running, 1)).isEqualTo(summary);
        }
    }

    @Test
    void anEventThatTaughtByAnotherExampleIsTrained() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            PutManifestRequest.Builder claim =
                    Samples.manifest(ADAPTER, 1, epoch, 0, "e1", "e2").toBuilder();
            claim.getExamplesBuilder(1)
                    .setImpressionId(claim.getExamples(0).getImpressionId())
                    .setFeedback(0, claim.getExamples(0).getFeedback(0));
            running.client.putManifest(claim.build());
            running.client.putOutcome(commit(running, 1, epoch).toBuilder()
                    .addUntrainable(Samples.untrainable("e2"))
                    .build());
            assertThat(summary(running, 1).getQuarantinedList()).isEmpty();
        }
    }

    @Test
    void anOutcomeNamesOnlyExamplesOfItsManifestAndNeverOthersLater() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.client.putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e1", "e2"));
            PutOutcomeRequest outcome = commit(running, 1, epoch);
            assertThatThrownBy(() -> running.client.putOutcome(outcome.toBuilder()
                    .addUntrainable(Samples.untrainable("e9"))
                    .build()))
                    .hasMessageContaining("untrainable names example " + Samples.digest("e9"))
                    .hasMessageContaining("manifest 1 of " + ADAPTER + " does not hold");
            assertThatThrownBy(() -> running.client.putOutcome(outcome.toBuilder()
                    .addUntrainable(Samples.untrainable("e1").toBuilder().clearReason())
                    .build()))
                    .hasMessageContaining("untrainable[0].reason must be named");
            running.client.putOutcome(outcome);
            assertThatThrownBy(() -> running.client.putOutcome(outcome.toBuilder()
                    .addUntrainable(Samples.untrainable("e1"))
                    .build()))
                    .hasMessageContaining("an outcome never changes");
        }
    }

    private static PutOutcomeRequest commit(RunningStore running, long seq, long epoch) {
        byte[] weights = Samples.bytes("weights " + seq);
        byte[] optimizer = Samples.bytes("optimizer " + seq);
        running.client.putBlob(weights);
        running.client.putBlob(optimizer);
        return Samples.committed(ADAPTER, seq, epoch, weights, optimizer);
    }

    private static ManifestSummary summary(RunningStore running, long seq) {
        List<ManifestSummary> above = new ArrayList<>();
        running.client.listManifests(ADAPTER, seq - 1, above::add);
        return above.getFirst();
    }

    @Test
    void manifestsAreListedWithTheirFeedbackWhateverTheirNumber() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            long other = running.createAdapter("other");
            for (int seq = 1; seq <= 150; seq++) {
                running.client.putManifest(Samples.manifest(ADAPTER, seq, epoch, 0, "e" + seq));
                running.client.putOutcome(Samples.ended(ADAPTER, seq, epoch,
                        seq % 2 == 0 ? Outcome.OUTCOME_REJECTED : Outcome.OUTCOME_ABANDONED));
            }
            running.client.putManifest(Samples.manifest("other", 1, other, 0, "o1"));

            List<ManifestSummary> all = new ArrayList<>();
            running.client.listManifests("", 0, all::add);
            assertThat(all).hasSize(151);
            assertThat(all.subList(0, 150)).extracting(ManifestSummary::getSeq)
                    .isSorted()
                    .doesNotHaveDuplicates();
            assertThat(all.get(7).getState()).isEqualTo(ManifestState.MANIFEST_STATE_REJECTED);
            assertThat(all.get(7).getFeedback(0).getFeedbackId()).isEqualTo("e8");
            assertThat(all.get(150).getState()).isEqualTo(ManifestState.MANIFEST_STATE_OPEN);

            List<ManifestSummary> some = new ArrayList<>();
            running.client.listManifests(ADAPTER, 147, some::add);
            assertThat(some).extracting(ManifestSummary::getSeq).containsExactly(148L, 149L, 150L);
        }
    }

    @Test
    void blobsOfManyChunksComeBackAsTheyWent() {
        byte[] blob = new byte[3 * (512 << 10) + 17];
        new Random(11).nextBytes(blob);
        try (RunningStore running = new RunningStore(folder)) {
            String digest = running.client.putBlob(blob).getDigest();
            assertThat(digest).isEqualTo(Samples.digest(blob));
            assertThat(running.client.getBlob(digest)).isEqualTo(blob);
            assertThat(running.client.putBlob(blob).getBytes()).isEqualTo(blob.length);
        }
    }

    @Test
    void closingAndOpeningKeepsEverything() {
        AdapterRecord adapter;
        List<VersionRecord> versions;
        List<AliasRecord> aliases;
        List<AuditEntry> audit;
        Manifest open;
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(ADAPTER);
            running.commitRound(ADAPTER, 1, epoch, 0, "e1");
            running.commitRound(ADAPTER, 2, epoch, 1, "e2");
            running.client.setAlias(Samples.alias(ADAPTER, "canary", 1, 0));
            running.client.putManifest(Samples.manifest(ADAPTER, 3, epoch, 2, "e3"));
            running.client.configureAdapter(
                    Samples.configure(running.client.getAdapter(ADAPTER)));
            running.createAdapter("gone");
            running.client.deleteAdapter(Samples.delete("gone", 1));
            adapter = running.client.getAdapter(ADAPTER);
            versions = running.client.listVersions(ADAPTER, 10);
            aliases = running.client.listAliases(ADAPTER);
            audit = running.client.listAudit(ADAPTER, 100);
            open = running.client.getManifest(ADAPTER, 3);
        }
        try (RunningStore again = new RunningStore(folder)) {
            assertThat(again.client.getAdapter(ADAPTER)).isEqualTo(adapter);
            assertThat(again.client.listAdapters()).containsExactly(adapter);
            assertThat(again.client.listAllAdapters()).hasSize(2);
            assertThat(again.client.listVersions(ADAPTER, 10)).isEqualTo(versions).hasSize(3);
            assertThat(again.client.listAliases(ADAPTER)).isEqualTo(aliases).hasSize(3);
            assertThat(again.client.listAudit(ADAPTER, 100)).isEqualTo(audit).hasSize(8);
            assertThat(again.client.listOpenManifests(ADAPTER)).containsExactly(open);
            assertThat(again.client.getBlob(Samples.digest("weights " + ADAPTER + 2)))
                    .isEqualTo(Samples.bytes("weights " + ADAPTER + 2));
            var epoch = again.client.acquireEpoch(ADAPTER, "driver-2");
            assertThat(epoch.getEpoch()).isEqualTo(2);
            assertThat(epoch.getNextSeq()).isEqualTo(4);
            assertThat(again.client
                    .putManifest(Samples.manifest(ADAPTER, 4, 2, 2, "e1", "e2", "e3"))
                    .getClaimed()).isZero();
        }
    }

    @Test
    void everyAcknowledgedCommandIsSyncedBeforeItsReply() {
        try (RunningStore running = new RunningStore(folder)) {
            running.createAdapter(ADAPTER);
            for (int i = 0; i < 20; i++) {
                long syncs = running.store.walSyncs();
                running.client.acquireEpoch(ADAPTER, "driver");
                assertThat(running.store.walSyncs()).isGreaterThan(syncs);
            }
        }
    }
}
