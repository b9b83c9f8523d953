package dev.flywheel.pipelines.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackOrigin;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which rounds are claimed of what waits, and what is taken back of it. */
class AdapterRoundsTest extends AdapterRoundsRig {
    @Test
    void examplesThatWaitTogetherAreOneRound() {
        offer("f1", "e1");
        offer("f2", "e2");
        host.runAll();
        assertThat(servers.calls).containsExactly("capacity", "epoch", "open", "claim", "train 1",
                "OUTCOME_COMMITTED 1");
        assertThat(servers.trained()).containsExactly(key("f1"), key("f2"));
        assertThat(rounds.finished()).isTrue();
        assertThat(rounds.unfinishedFeedback()).isZero();
    }

    @Test
    void aClaimTellsWhereTheRecordsOfItsFeedbackStood() {
        LabelledExample read = example("f1", "e1");
        rounds.offer(read.toBuilder()
                .setFeedback(read.getFeedback().toBuilder().setPartition(1).setOffset(17))
                .build());
        rounds.offer(LabelledExample.newBuilder()
                .setExample(Example.newBuilder().setExampleId("silence").setAdapter("a"))
                .build());
        host.runAll();
        assertThat(servers.requests.get(1L).getOriginsList()).containsExactly(
                FeedbackOrigin.newBuilder()
                        .setFeedback(key("f1"))
                        .setPartition(1)
                        .setOffset(17)
                        .build());
        assertThat(servers.requests.get(1L).getExamplesCount()).isEqualTo(2);
    }

    @Test
    void whatComesWhileARoundRunsIsTheNextOne() {
        offer("f1", "e1");
        while (!servers.calls.contains("train 1")) {
            host.step(0);
        }
        offer("f2", "e2");
        assertThat(rounds.unfinished()).hasSize(2);
        host.runAll();
        assertThat(servers.manifests).hasSize(2);
        assertThat(servers.manifests.get(2L).getParent()).isEqualTo(1);
    }

    @Test
    void aRoundLeftOpenIsFinishedBeforeAnotherIsClaimed() {
        offer("f1", "e1");
        while (servers.manifests.isEmpty()) {
            host.step(0);
        }
        crash();
        offer("f2", "e2");
        host.runAll();
        assertThat(servers.calls.subList(servers.calls.lastIndexOf("open"), servers.calls.size()))
                .containsExactly("open", "train 1", "OUTCOME_COMMITTED 1", "claim", "train 2",
                        "OUTCOME_COMMITTED 2");
        assertThat(servers.trained()).containsExactly(key("f1"), key("f2"));
    }

    @Test
    void theSameEventAgainIsTrainedAlreadyAndAnotherThatSaysTheSameIsADuplicate() {
        offer("f1", "e1");
        host.runAll();
        crash();
        offer("f1", "e1");
        offer("other", "e1");
        host.runAll();
        assertThat(host.alreadyClaimed).containsExactly(key("f1"));
        assertThat(host.refused).containsOnly(
                Map.entry(key("other"), RefusalReason.REFUSAL_REASON_DUPLICATE));
        assertThat(servers.trained()).containsExactly(key("f1"));
    }

    @Test
    void oneIdentityOnTwoImpressionsIsTrainedOnce() {
        offer("f1", "e1");
        rounds.offer(ofImpression("f1", "e2", "another"));
        host.runAll();
        assertThat(servers.trained()).containsExactly(key("f1"));
        assertThat(host.refused).containsOnly(
                java.util.Map.entry(key("f1"), RefusalReason.REFUSAL_REASON_DUPLICATE));
    }

    @Test
    void anEventThatARestartLabelsOtherwiseIsTrainedAlready() {
        offer("f1", "e1");
        host.runAll();
        crash();
        offer("f1", "e1-as-a-correction");
        host.runAll();
        assertThat(host.alreadyClaimed).containsExactly(key("f1"));
        assertThat(host.refused).isEmpty();
        assertThat(servers.trained()).containsExactly(key("f1"));
    }

    @Test
    void onlyAManifestThatIsNotThereMakesADuplicateOfWhatItMayHold() {
        for (Status.Code code : List.of(Status.Code.DATA_LOSS, Status.Code.INTERNAL)) {
            AdapterRoundsTest other = new AdapterRoundsTest();
            other.offer("f1", "e1");
            other.host.runAll();
            other.crash();
            other.servers.manifestFailure = () -> InMemoryServers.error(code, "BROKEN");
            other.offer("f1", "e1");
            other.host.runAll();
            assertThat(other.host.refused).as(code.name()).isEmpty();
            assertThat(other.host.failure).hasMessageContaining("manifest 1 of adapter a")
                    .hasMessageContaining(code.name());
            assertThat(other.rounds.unfinishedFeedback()).isEqualTo(1);
        }
        servers.manifestFailure =
                () -> InMemoryServers.error(Status.Code.NOT_FOUND, "MANIFEST_NOT_FOUND");
        offer("f1", "e1");
        host.runAll();
        crash();
        offer("f1", "e1");
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(host.refused).containsOnly(
                java.util.Map.entry(key("f1"), RefusalReason.REFUSAL_REASON_DUPLICATE));
    }

    @Test
    void whatIsClaimedByAManifestThatIsTooOldToBeKeptIsClaimedAlready() {
        servers.manifestFailure =
                () -> InMemoryServers.error(Status.Code.NOT_FOUND, "MANIFEST_EXPIRED");
        offer("f1", "e1");
        host.runAll();
        crash();
        offer("f1", "e1");
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(host.refused).isEmpty();
        assertThat(host.alreadyClaimed).containsExactly(key("f1"));
    }

    @Test
    void whatWaitsCanBeWithdrawnAndWhatARoundHasCannot() {
        offer("f1", "e1");
        rounds.withdraw(withdrawal("r1", "f1", "e1"));
        host.runAll();
        assertThat(servers.manifests).isEmpty();
        offer("f2", "e2");
        host.runAll();
        rounds.withdraw(withdrawal("r2", "f2", "e2"));
        host.runAll();
        assertThat(host.refused).containsOnly(
                Map.entry(key("f1"), RefusalReason.REFUSAL_REASON_RETRACTED),
                Map.entry(key("r1"), RefusalReason.REFUSAL_REASON_RETRACTED),
                Map.entry(key("r2"), RefusalReason.REFUSAL_REASON_LATE));
        assertThat(rounds.finished()).isTrue();
    }

    @Test
    void whatWasTakenBackIsNotTrainedByADriverThatGoesOnFromAnEarlierCheckpoint() {
        rounds = new AdapterRounds("a", RoundPace.of(Duration.ofDays(1), Duration.ofSeconds(1), 9),
                GuardProfiles.of(GuardProfile.TRUSTED_STREAM), servers, host);
        offer("f1", "e1");
        List<LabelledExample> checkpoint = rounds.unfinished();
        rounds.withdraw(withdrawal("r1", "f1", "e1"));
        while (!host.refused.containsKey(key("r1"))) {
            host.step(0);
        }
        crash();
        checkpoint.forEach(rounds::offer);
        offer("f2", "e2");
        host.runAll();
        assertThat(servers.trained()).containsExactly(key("f2"));
        assertThat(host.refused).containsOnly(
                java.util.Map.entry(key("f1"), RefusalReason.REFUSAL_REASON_RETRACTED),
                java.util.Map.entry(key("r1"), RefusalReason.REFUSAL_REASON_RETRACTED));
    }

    @Test
    void aRetractionIsNotConfirmedBeforeTheStoreHasIt() {
        offer("f1", "e1");
        rounds.withdraw(withdrawal("r1", "f1", "e1"));
        assertThat(host.refused).isEmpty();
        assertThat(rounds.unfinishedWithdrawals()).hasSize(1);
        assertThat(rounds.unfinishedFeedback()).isEqualTo(2);
        crash(); // with what a checkpoint would hold
        offer("f1", "e1");
        rounds.withdraw(withdrawal("r1", "f1", "e1"));
        host.runAll();
        assertThat(servers.trained()).isEmpty();
        assertThat(rounds.finished()).isTrue();
        assertThat(rounds.unfinishedFeedback()).isZero();
    }

    @Test
    void aRetractionDuringARoundWaitsForItsOutcome() {
        for (boolean abandoned : List.of(true, false)) {
            AdapterRoundsTest other = new AdapterRoundsTest();
            other.offer("f1", "e1");
            while (other.servers.manifests.isEmpty()) {
                other.host.step(0);
            }
            other.rounds.withdraw(withdrawal("r1", "f1", "e1"));
            other.servers.backend = abandoned ? "b2" : "b1";
            other.host.runAll();
            RefusalReason end = abandoned ? RefusalReason.REFUSAL_REASON_RETRACTED
                    : RefusalReason.REFUSAL_REASON_LATE;
            assertThat(other.host.refused).containsEntry(key("r1"), end);
            assertThat(other.host.refused.containsKey(key("f1"))).isEqualTo(abandoned);
            assertThat(other.servers.trained()).hasSize(abandoned ? 0 : 1);
            assertThat(other.servers.calls).as("what was taken back is not claimed again")
                    .containsOnlyOnce("claim");
            assertThat(other.rounds.finished()).isTrue();
        }
    }

    @Test
    void onlyTheEventThatIsTakenBackGoesNotAnotherThatSaysTheSame() {
        offer("f1", "e1");
        rounds.withdraw(withdrawal("r1", "f1", "e1"));
        offer("f2", "e1");
        host.runAll();
        assertThat(servers.trained()).containsExactly(key("f2"));
    }

    @Test
    void aConfiguredRoundSizeIsFollowedAtOnce() {
        servers.examplesMax = 2;
        offer("f1", "e1");
        host.runAll();
        servers.configure(4);
        for (int i = 2; i <= 9; i++) {
            offer("f" + i, "e" + i);
        }
        host.runAll();
        assertThat(servers.manifests.values().stream().map(Manifest::getExamplesCount))
                .containsExactly(1, 2, 4, 2);
        servers.configure(1);
        offer("g1", "g1");
        offer("g2", "g2");
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(servers.trained()).hasSize(11);
        assertThat(servers.manifests.values().stream().map(Manifest::getExamplesCount))
                .endsWith(2, 1, 1);
    }

    @Test
    void aConfiguredShareOfOneUserIsFollowedAtOnce() {
        servers.configure(GuardSettings.newBuilder().setRoundShareMax(0.25).build());
        offerOfOneUser("f", 8);
        host.runAll();
        assertThat(servers.manifests.values()).hasSize(8)
                .allSatisfy(each -> assertThat(each.getExamplesCount()).isEqualTo(1));
        servers.configure(GuardSettings.newBuilder().setRoundShareMax(1).build());
        offerOfOneUser("g", 4);
        host.runAll();
        assertThat(servers.manifests.values().stream().map(Manifest::getExamplesCount))
                .endsWith(1, 3);
    }

    @Test
    void whatOneUserHasTooMuchOfAmongManyIsRefusedAsCapped() {
        servers.configure(GuardSettings.newBuilder().setRoundShareMax(0.02).build());
        for (int i = 0; i < 60; i++) {
            offer("f" + i, "e" + i);
            host.runAll();
        }
        offerOfOneUser("g", 12);
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(host.refused.values()).isNotEmpty()
                .containsOnly(RefusalReason.REFUSAL_REASON_CAPPED);
        assertThat(servers.trained()).hasSize(60 + 12 - host.refused.size());
        assertThat(rounds.unfinishedFeedback()).isZero();
        assertThat(rounds.finished()).isTrue();
    }

    private void offerOfOneUser(String prefix, int count) {
        for (int i = 0; i < count; i++) {
            LabelledExample example = example(prefix + i, prefix + i);
            rounds.offer(example.toBuilder()
                    .setExample(example.getExample().toBuilder().setUser("one"))
                    .build());
        }
    }

    @Test
    void whatUsersSaidGoesBeforeWhatTheirSilenceMayMean() {
        servers.examplesMax = 1;
        rounds.offer(LabelledExample.newBuilder()
                .setExample(Example.newBuilder().setExampleId("silent"))
                .build());
        offer("f1", "e1");
        host.runAll();
        assertThat(servers.manifests.get(1L).getExamples(0).getExampleId()).isEqualTo("e1");
        assertThat(servers.manifests.get(2L).getExamples(0).getExampleId()).isEqualTo("silent");
    }
}
