package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.FeedbackOrigin;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.RoundFigures;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the store tells of where feedback is and what versions were made of. */
class LineageTest {
    @TempDir Path folder;

    private RunningStore running;
    private long epoch;

    @BeforeEach
    void open() {
        running = new RunningStore(folder);
        epoch = running.createAdapter(ADAPTER);
    }

    @AfterEach
    void close() {
        running.close();
    }

    @Test
    void eachEventIsFoundInTheManifestThatClaimsItAndInNoOther() {
        running.commitRound(ADAPTER, 1, epoch, 0, "e1", "e2");
        running.client.putManifest(Samples.manifest(ADAPTER, 2, epoch, 1, "e3"));
        running.client.putOutcome(Samples.ended(ADAPTER, 2, epoch, Outcome.OUTCOME_REJECTED));
        running.client.putManifest(Samples.manifest(ADAPTER, 3, epoch, 1, "e4"));

        assertThat(locate("e4", "e2", "stranger", "e3", "e1"))
                .extracting(each -> each.getFeedback().getFeedbackId(), LocatedFeedback::getSeq,
                        LocatedFeedback::getState, LocatedFeedback::getVersion)
                .containsExactly(
                        tuple("e4", 3L, ManifestState.MANIFEST_STATE_OPEN, 0L),
                        tuple("e2", 1L, ManifestState.MANIFEST_STATE_COMMITTED, 1L),
                        tuple("e3", 2L, ManifestState.MANIFEST_STATE_REJECTED, 0L),
                        tuple("e1", 1L, ManifestState.MANIFEST_STATE_COMMITTED, 1L));
    }

    @Test
    void anEventIsNowhereOnceItsRoundIsAbandonedAndWithdrawnIfItWas() {
        running.client.putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e1", "e2"));
        running.client.withdraw(key("e1"));
        running.client.putOutcome(Samples.ended(ADAPTER, 1, epoch, Outcome.OUTCOME_ABANDONED));

        assertThat(locate("e1", "e2")).singleElement().satisfies(found -> {
            assertThat(found.getFeedback()).isEqualTo(key("e1"));
            assertThat(found.getWithdrawn()).isTrue();
            assertThat(found.getAdapter()).isEmpty();
            assertThat(found.getState()).isEqualTo(ManifestState.MANIFEST_STATE_UNSPECIFIED);
        });
    }

    @Test
    void whatACommittedRoundCouldNotTrainIsToldApart() {
        running.client.putManifest(Samples.manifest(ADAPTER, 1, epoch, 0, "e1", "e2"));
        byte[] weights = Samples.bytes("weights");
        running.client.putBlob(weights);
        running.client.putOutcome(Samples.committed(ADAPTER, 1, epoch, weights, weights)
                .toBuilder()
                .addUntrainable(Samples.untrainable("e2"))
                .build());

        assertThat(locate("e1", "e2")).extracting(LocatedFeedback::getQuarantined)
                .containsExactly(false, true);
        assertThat(running.client.getManifestRecord(ADAPTER, 1).getExamplesList())
                .extracting(ExampleRecord::getUntrainable)
                .containsExactly("", "TOO_LONG: its options take 9 tokens; the device takes 8");
    }

    @Test
    void aRecordTellsWhatARoundWasMadeOfAndNothingThatItsUsersSaid() {
        PutManifestRequest claim = Samples.manifest(ADAPTER, 1, epoch, 0, "e1", "e2")
                .toBuilder()
                .addOrigins(origin("e1", 17))
                .addOrigins(origin("e2", 18))
                .build();
        running.client.putManifest(claim);
        running.client.putOutcome(Samples.ended(ADAPTER, 1, epoch, Outcome.OUTCOME_REJECTED)
                .toBuilder()
                .setFigures(RoundFigures.newBuilder().setRejectedBecause("its norm"))
                .build());

        ManifestRecord record = running.client.getManifestRecord(ADAPTER, 1);

        assertThat(record.getSummary().getState())
                .isEqualTo(ManifestState.MANIFEST_STATE_REJECTED);
        assertThat(record.getSeed()).isEqualTo(7);
        assertThat(record.getBackend()).isEqualTo("reference/1");
        assertThat(record.getSettings().getLearningRate()).isEqualTo(1e-3);
        assertThat(record.getClaimedAtMillis()).isEqualTo(RunningStore.NOON.millis());
        assertThat(record.getParentDigest()).isEqualTo(Samples.digest(Samples.START));
        assertThat(record.getFigures().getRejectedBecause()).isEqualTo("its norm");
        assertThat(record.getOriginsList()).containsExactly(origin("e1", 17), origin("e2", 18));
        assertThat(record.getExamplesList()).extracting(ExampleRecord::getExampleId)
                .containsExactly(Samples.digest("e1"), Samples.digest("e2"));
        assertThat(record.toByteString().toString(StandardCharsets.ISO_8859_1))
                .contains("impression of e1")
                .doesNotContain("user of");
        assertThatThrownBy(() -> running.client.getManifestRecord(ADAPTER, 2))
                .hasMessageContaining("manifest 2 of " + ADAPTER);
    }

    @Test
    void theSameClaimReadFromOtherOffsetsIsTheSameClaim() {
        PutManifestRequest claim = Samples.manifest(ADAPTER, 1, epoch, 0, "e1")
                .toBuilder()
                .addOrigins(origin("e1", 17))
                .build();
        PutManifestReply first = running.client.putManifest(claim);

        PutManifestReply again = running.client.putManifest(
                claim.toBuilder().setOrigins(0, origin("e1", 99)).build());

        assertThat(again).isEqualTo(first);
        assertThat(running.client.getManifest(ADAPTER, 1).getOriginsList())
                .containsExactly(origin("e1", 17));
    }

    @Test
    void theOriginOfWhatIsRefusedIsNotKept() {
        running.commitRound(ADAPTER, 1, epoch, 0, "e1");
        running.client.putManifest(Samples.manifest(ADAPTER, 2, epoch, 1, "e1", "e2")
                .toBuilder()
                .addOrigins(origin("e1", 17))
                .addOrigins(origin("e2", 18))
                .build());

        assertThat(running.client.getManifest(ADAPTER, 2).getOriginsList())
                .containsExactly(origin("e2", 18));
    }

    @Test
    void aQuestionThatIsNoneIsRefusedByField() {
        assertThatThrownBy(() -> running.client.locateFeedback(List.of()))
                .hasMessageContaining("feedback");
        assertThatThrownBy(
                () -> running.client.locateFeedback(List.of(FeedbackKey.getDefaultInstance())))
                .hasMessageContaining("feedback[0].feedback_id");
        assertThatThrownBy(
                () -> running.client.locateFeedback(Collections.nCopies(1_001, key("e"))))
                .hasMessageContaining("1000");
    }

    private List<LocatedFeedback> locate(String... ids) {
        return running.client
                .locateFeedback(Arrays.stream(ids).map(LineageTest::key).toList());
    }

    private static FeedbackKey key(String id) {
        return Samples.example(ADAPTER, id).getFeedback(0);
    }

    private static FeedbackOrigin origin(String id, long offset) {
        return FeedbackOrigin.newBuilder()
                .setFeedback(key(id))
                .setPartition(1)
                .setOffset(offset)
                .build();
    }
}
