package dev.flywheel.pipelines.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a driver does when an operator repairs what it trains. */
class RepairRoundsTest extends AdapterRoundsRig {
    @Test
    void whatARepairLeftIsTrainedAgainInOrderBeforeAnythingNew() {
        trainThree();
        servers.repair(2L, 3L);
        offer("f4", "e4");
        host.runAll();
        assertThat(servers.manifests.values()).extracting(Manifest::getReplays)
                .containsExactly(0L, 0L, 0L, 2L, 3L, 0L);
        assertThat(host.failure).isNull();
        assertThat(servers.outcomes.values()).containsOnly(Outcome.OUTCOME_COMMITTED);
    }

    @Test
    void aRepairIsCarriedOutThoughNoFeedbackComes() {
        trainThree();
        servers.repair(3L);
        rounds.lookForRepair();
        host.runAll();
        assertThat(servers.toReplay).isEmpty();
        assertThat(servers.manifests).hasSize(4);
    }

    @Test
    void aRoundThatARepairAbandonsIsClaimedAgainAfterIt() {
        trainThree();
        servers.trainFailure = manifest -> {
            servers.trainFailure = again -> null;
            servers.repair(3L);
            return null;
        };
        offer("f4", "e4");
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(servers.outcomes.get(4L)).isEqualTo(Outcome.OUTCOME_ABANDONED);
        assertThat(servers.manifests.get(5L).getReplays()).isEqualTo(3);
        assertThat(servers.manifests.get(6L).getExamplesList())
                .containsExactly(example("f4", "e4").getExample());
        assertThat(rounds.finished()).isTrue();
    }

    @Test
    void whatIsWithdrawnMeanwhileIsLeftOutAndAnEmptyRoundIsPassedOver() {
        trainThree();
        servers.withdraw(key("f2"));
        servers.repair(2L, 3L);
        rounds.lookForRepair();
        host.runAll();
        assertThat(servers.manifests.values()).extracting(Manifest::getReplays)
                .containsExactly(0L, 0L, 0L, 3L);
    }

    @Test
    void aDriverThatDiesInARepairLeavesTheRestToTheNext() {
        trainThree();
        servers.repair(1L, 2L, 3L);
        servers.trainFailure = manifest -> {
            servers.trainFailure = again -> null;
            crash();
            return null;
        };
        rounds.lookForRepair();
        host.runAll();
        rounds.lookForRepair();
        host.runAll();
        assertThat(servers.toReplay).isEmpty();
        assertThat(servers.outcomes.values()).containsOnly(Outcome.OUTCOME_COMMITTED);
        assertThat(servers.manifests.values()).extracting(Manifest::getReplays)
                .containsExactly(0L, 0L, 0L, 1L, 2L, 3L);
    }

    private void trainThree() {
        for (int i = 1; i <= 3; i++) {
            offer("f" + i, "e" + i);
            host.runAll();
        }
        assertThat(List.copyOf(servers.manifests.keySet())).containsExactly(1L, 2L, 3L);
    }
}
