package dev.flywheel.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.Outcome;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The disk takes no more, then some again: commands fail meanwhile, reads go on, nothing acknowledged is lost. */
class DiskFullTest {
    private static final Path PRLIMIT = Path.of("/usr/bin/prlimit");

    @TempDir Path folder;

    /** Commits rounds with blobs of 64 KB; says how each went, and whether HEAD could be read. */
    static final class Victim {
        private static final Random RANDOM = new Random(1);

        public static void main(String[] arguments) {
            try (RunningStore running = new RunningStore(Path.of(arguments[0]),
                    StoreSettings.DEFAULT, InstantSource.system())) {
                running.createAdapter("a");
                while (true) {
                    try {
                        System.out.println("committed " + round(running));
                    } catch (StatusRuntimeException refused) {
                        System.out.println("refused " + refused.getStatus().getCode() + " "
                                + running.client.getAdapter("a").getHead());
                        LockSupport.parkNanos(100_000_000);
                    }
                }
            }
        }

        /** As a driver recovers: a new epoch, what is open ended, then a new round. */
        private static long round(RunningStore running) {
            AcquireEpochReply epoch = running.client.acquireEpoch("a", "victim");
            for (Manifest open : running.client.listOpenManifests("a")) {
                running.client.putOutcome(Samples.ended("a", open.getSeq(), epoch.getEpoch(),
                        Outcome.OUTCOME_ABANDONED));
            }
            long seq = epoch.getNextSeq();
            running.client.putManifest(Samples.manifest("a", seq, epoch.getEpoch(),
                    epoch.getHead(), "e" + seq));
            byte[] weights = new byte[64 << 10];
            RANDOM.nextBytes(weights);
            running.client.putBlob(weights);
            return running.client.putOutcome(
                    Samples.committed("a", seq, epoch.getEpoch(), weights, weights)).getHead();
        }
    }

    @Test
    void theStoreGoesOnByItselfWhenThereIsSpaceAgain() throws Exception {
        assumeTrue(Files.isExecutable(PRLIMIT),
                "skipped: needs prlimit to make files refuse to grow");
        long acknowledged;
        try (ChildJvm victim = new ChildJvm(Victim.class, folder.toString())) {
            assertThat(victim.line()).isEqualTo("committed 1");
            // Only now: starting unpacks a library that is larger.
            limit(victim.pid(), "700000:unlimited");
            long before = untilRefused(victim);
            limit(victim.pid(), "unlimited");
            String line = victim.line();
            while (line != null && !line.startsWith("committed")) {
                assertThat(line).endsWith(" " + before);
                line = victim.line();
            }
            assertThat(line).as("a commit after there was space").isNotNull();
            acknowledged = Long.parseLong(line.substring("committed ".length()));
            assertThat(acknowledged).isEqualTo(before + 1);
        }
        try (RunningStore running = new RunningStore(folder)) {
            assertThat(running.client.getAdapter("a").getHead())
                    .isGreaterThanOrEqualTo(acknowledged);
            String digest =
                    running.client.getVersion("a", acknowledged).getRef().getDigest();
            assertThat(running.client.getBlob(digest)).hasSize(64 << 10);
        }
    }

    /** The last version that was committed; leaves after ten refusals. */
    private static long untilRefused(ChildJvm victim) {
        long committed = 1;
        for (int refused = 0; refused < 10;) {
            String line = victim.line();
            assertThat(line).as("the victim's next line").isNotNull();
            if (line.startsWith("committed")) {
                assertThat(refused).as("refusals before another commit").isZero();
                committed = Long.parseLong(line.substring("committed ".length()));
            } else {
                refused++;
                assertThat(line).matches("refused (UNAVAILABLE|RESOURCE_EXHAUSTED) " + committed);
            }
        }
        return committed;
    }

    private static void limit(long pid, String bytes) throws IOException, InterruptedException {
        int code = new ProcessBuilder(PRLIMIT.toString(), "--pid", Long.toString(pid),
                "--fsize=" + bytes).inheritIO().start().waitFor();
        assertThat(code).isZero();
    }
}
