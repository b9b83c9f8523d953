package dev.flywheel.pipelines.round;

import static dev.flywheel.pipelines.round.AdapterRoundsRig.example;
import static dev.flywheel.pipelines.round.AdapterRoundsRig.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Outcome;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Manifests that an earlier driver left open are finished as written before anything new is claimed. */
@Timeout(30)
class RoundRecoveryTest {
    private final InMemoryServers servers = new InMemoryServers();
    private final ManualHost host = new ManualHost();
    private final AdapterRounds rounds = new AdapterRounds("a",
            RoundPace.of(Duration.ofMillis(1), Duration.ofSeconds(1), 100),
            GuardProfiles.of(GuardProfile.TRUSTED_STREAM), servers, host);

    @Test
    void aLookForOpenManifestsThatFailsForAPassingReasonIsRepeatedUnderTheSameEpoch() {
        servers.leaveOpen(example("f1", "e1").getExample());
        Deque<Status> failures = new ArrayDeque<>(
                List.of(Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE));
        servers.openFailure =
                () -> failures.isEmpty() ? null : failures.poll().asRuntimeException();
        rounds.offer(example("f2", "e2"));
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(servers.calls).containsExactly("capacity", "epoch", "open", "open", "open",
                "open", "train 1", "OUTCOME_COMMITTED 1", "claim", "train 2",
                "OUTCOME_COMMITTED 2");
        assertThat(servers.trained()).containsExactly(key("f1"), key("f2"));
        assertThat(rounds.finished()).isTrue();
    }

    @Test
    void aLookThatFailsForGoodEndsTheJobAndClaimsNothing() {
        servers.leaveOpen(example("f1", "e1").getExample());
        servers.openFailure = () -> InMemoryServers.error(Status.Code.DATA_LOSS, "BROKEN");
        rounds.offer(example("f2", "e2"));
        host.runAll();
        assertThat(host.failure).hasMessageContaining("rounds of adapter a cannot go on")
                .hasMessageContaining("DATA_LOSS");
        assertThat(servers.calls).containsExactly("capacity", "epoch", "open");
        assertThat(rounds.unfinishedFeedback()).isEqualTo(1);
    }

    @Test
    void allManifestsLeftOpenAreFinishedInOrderBeforeAnythingIsClaimed() {
        servers.leaveOpen(example("f1", "e1").getExample());
        servers.leaveOpen(example("f2", "e2").getExample(), example("f3", "e3").getExample());
        rounds.offer(example("f4", "e4"));
        while (!servers.calls.contains("train 2")) {
            host.step(0);
        }
        rounds.offer(example("f5", "e5"));
        host.runAll();
        assertThat(servers.calls).containsExactly("capacity", "epoch", "open", "train 1",
                "OUTCOME_COMMITTED 1", "train 2", "OUTCOME_COMMITTED 2", "claim", "train 3",
                "OUTCOME_COMMITTED 3");
        assertThat(servers.manifests.get(3L).getParent()).isEqualTo(2);
        assertThat(servers.trained()).containsExactly(key("f1"), key("f2"), key("f3"),
                key("f4"), key("f5"));
        assertThat(rounds.finished()).isTrue();
    }

    @Test
    void aManifestLeftOpenThatCannotBeTrainedHoldsUpNeitherTheNextOneNorAClaim() {
        servers.leaveOpen(example("f1", "e1").getExample());
        servers.leaveOpen(example("f2", "e2").getExample());
        servers.trainFailure = manifest -> manifest.getSeq() == 1
                ? InMemoryServers.error(Status.Code.INTERNAL, "BUG")
                : null;
        rounds.offer(example("f3", "e3"));
        host.runAll();
        assertThat(servers.outcomes).containsEntry(1L, Outcome.OUTCOME_REJECTED)
                .containsEntry(2L, Outcome.OUTCOME_COMMITTED)
                .containsEntry(3L, Outcome.OUTCOME_COMMITTED);
        assertThat(servers.manifests.get(3L).getParent()).isEqualTo(1);
    }
}
