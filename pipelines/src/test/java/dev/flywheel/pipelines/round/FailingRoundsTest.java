package dev.flywheel.pipelines.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.RefusalReason;
import io.grpc.Status;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Calls that fail, and rounds that do. */
class FailingRoundsTest extends AdapterRoundsRig {
    @Test
    void oneBadExampleIsFoundAndTheOthersAreTrained() {
        servers.claimFailure = request -> request.getExamplesList()
                .stream()
                .anyMatch(example -> example.getExampleId().equals("e2"))
                        ? InMemoryServers.error(Status.Code.INVALID_ARGUMENT, "BAD_FIELD")
                        : null;
        for (int i = 0; i < 5; i++) {
            offer("f" + i, "e" + i);
        }
        host.runAll();
        assertThat(host.refused).containsOnly(
                Map.entry(key("f2"), RefusalReason.REFUSAL_REASON_MALFORMED));
        assertThat(servers.trained()).containsExactlyInAnyOrder(key("f0"), key("f1"), key("f3"),
                key("f4"));
    }

    @Test
    void whatTheTrainerCouldNotTrainOnIsNamedInTheOutcomeAlsoOfARoundLeftOpen() {
        servers.untrainable = example -> example.getFeedback(0).equals(key("f2"));
        offer("f1", "e1");
        offer("f2", "e2");
        while (servers.manifests.isEmpty()) {
            host.step(0);
        }
        crash();
        rounds.openIfClosed();
        host.runAll();
        assertThat(servers.outcomes).containsOnly(Map.entry(1L, Outcome.OUTCOME_COMMITTED));
        assertThat(servers.trained()).containsExactly(key("f1"));
        assertThat(host.refused).isEmpty();
        assertThat(rounds.unfinishedFeedback()).isZero();
    }

    @Test
    void aRoundThatNeverTrainsIsQuarantinedAndTheNextGoesOn() {
        servers.trainFailure = manifest -> manifest.getSeq() == 1
                ? InMemoryServers.error(Status.Code.INTERNAL, "BUG")
                : null;
        offer("f1", "e1");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_REJECTED);
        assertThat(servers.calls.stream().filter("train 1"::equals)).hasSize(PACE.attemptsMax());
        offer("f2", "e2");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(2L, Outcome.OUTCOME_COMMITTED);
    }

    @Test
    void aRoundThatAlwaysTakesTooLongIsQuarantinedAndTheNextGoesOn() {
        servers.trainFailure = manifest -> manifest.getSeq() == 1
                ? Status.DEADLINE_EXCEEDED.asRuntimeException()
                : null;
        servers.runningAdapter = "a";
        offer("f1", "e1");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_REJECTED);
        assertThat(servers.because.get(1L)).contains("TRAIN_TIMEOUT")
                .contains("takes longer than PT1S");
        assertThat(servers.calls.stream().filter("train 1"::equals)).hasSize(PACE.attemptsMax());
        offer("f2", "e2");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(2L, Outcome.OUTCOME_COMMITTED);
    }

    @Test
    void waitingBehindTheRoundOfAnotherAdapterIsNoFailure() {
        int[] left = {3 * PACE.attemptsMax()};
        servers.trainFailure =
                manifest -> left[0]-- > 0 ? Status.DEADLINE_EXCEEDED.asRuntimeException() : null;
        servers.runningAdapter = "slow";
        offer("f1", "e1");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_COMMITTED);
    }

    @Test
    void whatWaitsBehindARoundThatTakesTooLongCanBeShedSilenceAndTheNewestFirst() {
        servers.examplesMax = 1;
        servers.trainFailure = manifest -> Status.DEADLINE_EXCEEDED.asRuntimeException();
        offer("f1", "e1");
        offer("f2", "e2");
        rounds.offer(LabelledExample.newBuilder()
                .setExample(Example.newBuilder().setExampleId("silent"))
                .build());
        offer("f3", "e3");
        assertThat(rounds.overdue()).isFalse();
        while (!rounds.overdue()) {
            host.step(0);
        }
        assertThat(rounds.shedBeyond(1)).isEqualTo(2);
        assertThat(host.refused).containsOnly(
                java.util.Map.entry(key("f3"), RefusalReason.REFUSAL_REASON_OVERLOADED));
        assertThat(rounds.unfinished()).extracting(each -> each.getExample().getExampleId())
                .containsExactlyInAnyOrder("e1", "e2");
    }

    @Test
    void aRoundWhoseBlobsTheStoreMissesIsTrainedAnew() {
        servers.blobMissing = true;
        offer("f1", "e1");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_COMMITTED);
        assertThat(servers.calls).containsOnlyOnce("anew");
    }

    @Test
    void aRoundWhoseBlobsStayMissingIsQuarantined() {
        servers.blobMissing = true;
        servers.healsAnew = false;
        offer("f1", "e1");
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_REJECTED);
        assertThat(servers.because.get(1L)).contains("BLOB_MISSING");
        assertThat(servers.calls.stream().filter("anew"::equals))
                .hasSize(PACE.attemptsMax() - 1);
    }

    @Test
    void aRoundOfAnotherBackendIsAbandonedAndClaimedAnew() {
        offer("f1", "e1");
        while (servers.manifests.isEmpty()) {
            host.step(0);
        }
        crash();
        servers.backend = "b2";
        rounds.openIfClosed();
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_ABANDONED)
                .containsEntry(2L, Outcome.OUTCOME_COMMITTED);
        assertThat(servers.manifests.get(2L).getBackend()).isEqualTo("b2");
        assertThat(servers.trained()).containsExactly(key("f1"));
    }

    @Test
    void aLostEpochEndsTheJob() {
        offer("f1", "e1");
        host.runAll();
        servers.epoch++;
        offer("f2", "e2");
        host.runAll();
        assertThat(host.failure).isInstanceOf(EpochLostException.class)
                .hasMessageContaining("adapter a has another writer now");
    }
}
