package dev.flywheel.pipelines.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.RefusalReason;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What becomes of examples whose adapter is not there, or no more. */
class DeletedAdapterRoundsTest extends AdapterRoundsRig {
    @Test
    void anAdapterThatIsNotThereRefusesUntilItIs() {
        servers.adapterExists = false;
        offer("f1", "e1");
        host.runAll();
        assertThat(host.refused).containsEntry(key("f1"), RefusalReason.REFUSAL_REASON_NO_ADAPTER);
        assertThat(rounds.forgettable()).isTrue();
        servers.adapterExists = true;
        offer("f2", "e2");
        host.runAll();
        assertThat(servers.trained()).containsExactly(key("f2"));
    }

    @Test
    void aDeletedAdaptersRoundIsDroppedAndWhatItHadAndWhatWaitsIsRefused() {
        for (String during : List.of("claim", "train 1", "OUTCOME_COMMITTED 1")) {
            DeletedAdapterRoundsTest other = new DeletedAdapterRoundsTest();
            other.offer("f1", "e1");
            while (!other.servers.calls.contains("open")) {
                other.host.step(0);
            }
            other.stepUntilBefore(during);
            other.offer("f2", "e2");
            other.servers.delete();
            other.host.runAll();
            assertThat(other.host.failure).as("during " + during).isNull();
            assertThat(other.host.refused).as("during " + during)
                    .containsOnly(
                            Map.entry(key("f1"), RefusalReason.REFUSAL_REASON_NO_ADAPTER),
                            Map.entry(key("f2"), RefusalReason.REFUSAL_REASON_NO_ADAPTER));
            assertThat(other.rounds.finished()).isTrue();
            assertThat(other.rounds.forgettable()).isTrue();
            assertThat(other.servers.trained()).isEmpty();
        }
    }

    /** Everything up to the answer that leads to that call. */
    private void stepUntilBefore(String call) {
        String before = Map.of("claim", "open", "train 1", "claim", "OUTCOME_COMMITTED 1",
                "train 1").get(call);
        while (!servers.calls.contains(before)) {
            host.step(0);
        }
    }

    @Test
    void aRoundThatWasCommittedBeforeItsAdapterWasDeletedStaysTrained() {
        offer("f1", "e1");
        while (!servers.calls.contains("train 1")) {
            host.step(0);
        }
        servers.faults = () -> servers.calls.contains("OUTCOME_COMMITTED 1")
                ? InMemoryServers.Fault.NONE
                : InMemoryServers.Fault.LOST_REPLY;
        while (servers.outcomes.isEmpty()) {
            host.step(0);
        }
        servers.delete();
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(host.refused).isEmpty();
        assertThat(servers.trained()).containsExactly(key("f1"));
    }

    @Test
    void aRoundLeftOpenOfADeletedAdapterRefusesWhatIsBehindIt() {
        offer("f1", "e1");
        while (servers.manifests.isEmpty()) {
            host.step(0);
        }
        crash();
        rounds.openIfClosed();
        while (!servers.calls.contains("train 1")) {
            host.step(0);
        }
        servers.delete();
        host.runAll();
        assertThat(host.failure).isNull();
        assertThat(host.refused)
                .containsOnly(Map.entry(key("f1"), RefusalReason.REFUSAL_REASON_NO_ADAPTER));
    }
}
