package dev.flywheel.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.StoreException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that commits rounds is killed at random, again and again, on one folder. What it had acknowledged is there
 * afterwards (P6), and what it had begun can be finished.
 *
 * <p>{@code -Dflywheel.kills=N} kills more often, {@code -Dflywheel.seed=N} at other times.
 */
class KillTest {
    @TempDir Path folder;

    /** The victim: finishes what is open, then claims and commits, printing each acknowledgement. */
    static final class Victim {
        public static void main(String[] arguments) {
            try (RunningStore running = new RunningStore(Path.of(arguments[0]))) {
                if (running.client.listAdapters().isEmpty()) {
                    running.client.putBlob(Samples.START);
                    running.client.createAdapter(Samples.create("a"));
                }
                AcquireEpochReply epoch = running.client.acquireEpoch("a", "victim");
                for (Manifest open : running.client.listOpenManifests("a")) {
                    running.client.putOutcome(Samples.ended("a", open.getSeq(), epoch.getEpoch(),
                            Outcome.OUTCOME_ABANDONED));
                }
                long head = epoch.getHead();
                for (long seq = epoch.getNextSeq();; seq++) {
                    head = running
                            .commitRound("a", seq, epoch.getEpoch(), head, "e" + seq, "f" + seq)
                            .getHead();
                    System.out.println("committed " + head + " " + seq);
                }
            }
        }
    }

    @Test
    void whatWasAcknowledgedSurvivesEveryKill() throws Exception {
        long seed = Long.getLong("flywheel.seed", 20260601);
        int kills = Integer.getInteger("flywheel.kills", 3);
        Random random = new Random(seed);
        long acknowledged = 0;
        for (int kill = 0; kill < kills; kill++) {
            List<String> lines = runUntilKilled(1 + random.nextInt(40), random.nextInt(4));
            assertThat(lines).as("seed %s, kill %s", seed, kill).isNotEmpty();
            String[] last = lines.get(lines.size() - 1).split(" ", -1);
            assertThat(Long.parseLong(last[1])).isGreaterThan(acknowledged);
            acknowledged = Long.parseLong(last[1]);
            checkAfterwards(acknowledged, Long.parseLong(last[2]));
        }
    }

    @Test
    void aFolderThatAnotherProcessHasOpenIsRefusedByName() {
        try (ChildJvm victim = new ChildJvm(Victim.class, folder.toString())) {
            assertThat(victim.line()).startsWith("committed");
            assertThatThrownBy(() -> new RunningStore(folder))
                    .isInstanceOfSatisfying(StoreException.class, refused -> assertThat(
                            refused.kind()).isEqualTo(StoreException.Kind.IN_USE))
                    .hasMessageContaining(folder.toString());
            assertThat(victim.line()).startsWith("committed");
        }
    }

    /** Kills it some milliseconds after an acknowledgement was seen, so that any step may be under way. */
    private List<String> runUntilKilled(int afterLines, int millis) throws Exception {
        List<String> lines = new ArrayList<>();
        try (ChildJvm victim = new ChildJvm(Victim.class, folder.toString())) {
            while (lines.size() < afterLines) {
                String line = victim.line();
                assertThat(line).as("the victim's next line").isNotNull();
                lines.add(line);
            }
            lines.addAll(victim.killAfter(millis));
        }
        // The kill may have cut the last line.
        lines.removeIf(line -> line.split(" ", -1).length != 3);
        return lines;
    }

    private void checkAfterwards(long acknowledged, long seq) {
        try (RunningStore running = new RunningStore(folder)) {
            long head = running.client.getAdapter("a").getHead();
            assertThat(head).isBetween(acknowledged, acknowledged + 1);
            VersionRecord version = running.client.getVersion("a", acknowledged);
            assertThat(version.getManifestSeq()).isEqualTo(seq);
            VersionRecord newest = running.client.getVersion("a", head);
            assertThat(running.client.getBlob(newest.getRef().getDigest())).isNotEmpty();
            assertThat(running.client.getBlob(newest.getOptimizerDigest())).isNotEmpty();
            assertThat(running.client.listAliases("a")).filteredOn(
                    alias -> alias.getAlias().equals("serving"))
                    .extracting(AliasRecord::getVersion)
                    .containsExactly(head);
            checkManifests(running, head);
        }
    }

    private static void checkManifests(RunningStore running, long head) {
        List<ManifestSummary> summaries = new ArrayList<>();
        running.client.listManifests("a", 0, summaries::add);
        Set<String> trained = new HashSet<>();
        long committed = 0;
        for (ManifestSummary summary : summaries) {
            for (Example example : running.client.getManifest("a", summary.getSeq())
                    .getExamplesList()) {
                assertThat(summary.getState() == ManifestState.MANIFEST_STATE_ABANDONED
                        || trained.add(example.getExampleId())).isTrue();
            }
            if (summary.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
                committed++;
                assertThat(summary.getVersion()).isEqualTo(committed);
            }
        }
        assertThat(committed).isEqualTo(head);
    }
}
