package dev.flywheel.store.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.store.InMemoryCommitLog;
import dev.flywheel.store.Samples;
import dev.flywheel.store.rocksdb.RocksCommitLog;
import dev.flywheel.store.rocksdb.StoreCheck;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random commands of several writers, zombies among them, carried out on the disk and on maps side by side. After each, what
 * both hold is judged by rules that are written down here a second time, over the whole history.
 *
 * <p>{@code -Dflywheel.seed=N} runs one seed, {@code -Dflywheel.seeds=N} that many.
 */
class RandomCommandsTest {
    private static final int COMMANDS = 250;
    private static final Limits LIMITS =
            new Limits(5, 3, 2, 8, 1 << 20, 1 << 20, 1 << 20, 100, 1, 10, 10, 100);
    private static final Retention RETENTION =
            new Retention(2, 2, Duration.ofDays(1), Duration.ofMillis(20));

    @TempDir Path folder;

    @Test
    void everyInterleavingKeepsThePromises() {
        long first = Long.getLong("flywheel.seed", 1);
        long seeds = System.getProperty("flywheel.seed") != null ? 1
                : Long.getLong("flywheel.seeds", 4);
        long refusedAsWithdrawn = 0;
        long replayed = 0;
        long deleted = 0;
        long repaired = 0;
        long readmitted = 0;
        long expired = 0;
        long rebased = 0;
        for (long seed = first; seed < first + seeds; seed++) {
            try (Run run = new Run(seed, folder.resolve("seed" + seed))) {
                run.play();
                refusedAsWithdrawn += run.promises.refusedAsWithdrawn();
                replayed += run.promises.replayed();
                deleted += run.deleted;
                repaired += run.repaired;
                readmitted += run.readmitted;
                expired += run.expired;
                rebased += run.rebased;
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
        if (seeds > 1) { // one seed's history may have none
            assertThat(refusedAsWithdrawn).as("claims of what was withdrawn").isPositive();
            assertThat(replayed).as("examples that were replayed").isPositive();
            assertThat(deleted).as("adapters that were deleted").isPositive();
            assertThat(repaired).as("repairs that came to their end").isPositive();
            assertThat(readmitted).as("rounds that came back").isPositive();
            assertThat(expired).as("commands that let manifests go").isPositive();
            assertThat(rebased).as("repairs that began anew from version 0").isPositive();
        }
    }

    /** One seed's history. */
    private static final class Run implements AutoCloseable {
        private final Random random;
        private final Path folder;
        private final CommitRules rules = new CommitRules(LIMITS, RETENTION);
        private final InMemoryCommitLog maps = new InMemoryCommitLog();
        private final RandomCommands commands;
        private final StorePromises promises = new StorePromises(maps, RETENTION);
        private RocksCommitLog disk;
        private StoreState diskState;
        private long deleted;
        private long repaired;
        private long readmitted;
        private long expired;
        private long rebased;

        Run(long seed, Path folder) {
            this.random = new Random(seed);
            this.commands = new RandomCommands(random, maps, this::putBlob);
            this.folder = folder;
            this.disk = RocksCommitLog.open(folder, RETENTION, 0);
            this.diskState = disk.load();
            putBlob(Samples.START);
        }

        private void putBlob(byte[] bytes) {
            maps.putBlob(Samples.digest(bytes), bytes, 1);
            disk.putBlob(Samples.digest(bytes), bytes, 1);
        }

        void play() {
            for (int step = 0; step < COMMANDS; step++) {
                Command<?> command = commands.next(step);
                if (carryOut(command)) {
                    promises.judge(disk.history());
                }
                if (random.nextInt(40) == 0) {
                    reopen();
                }
            }
            check();
            assertThat(promises.accepted()).as("commands that changed something")
                    .isGreaterThan(COMMANDS / 4);
        }

        private void reopen() {
            disk.sync();
            disk.close();
            disk = RocksCommitLog.open(folder, RETENTION, 1);
            diskState = disk.load();
            assertThat(diskState.commit()).isEqualTo(maps.load().commit());
            assertThat(diskState.sorted()).isEqualTo(maps.load().sorted());
        }

        private <R> boolean carryOut(Command<R> command) {
            Decision<R> expected = rules.decide(maps.load(), command, maps);
            Decision<R> actual = rules.decide(diskState, command, disk.history());
            assertThat(actual).as("decision on %s", command).isEqualTo(expected);
            if (actual instanceof Decision.Accepted<R> done) {
                promises.note(command, done);
            }
            if (command instanceof Command.DeleteAdapter
                    && actual instanceof Decision.Accepted<R>) {
                deleted++;
            }
            if (!(actual instanceof Decision.Accepted<R> done) || done.facts().isEmpty()) {
                return false;
            }
            for (Fact fact : done.facts()) {
                if (fact instanceof Fact.RepairAdvanced advanced && advanced.entry() != null) {
                    repaired++;
                }
                if (fact instanceof Fact.HeadMoved moved && moved.entry()
                        .getAction() == AuditAction.AUDIT_ACTION_READMITTED) {
                    readmitted++;
                }
                if (fact instanceof Fact.ManifestsExpired) {
                    expired++;
                }
                if (fact instanceof Fact.HeadMoved moved && command instanceof Command.Forget
                        && moved.ended()
                                .stream()
                                .anyMatch(each -> each
                                        .manifest() == ManifestState.MANIFEST_STATE_ROLLED_BACK)) {
                    rebased++;
                }
            }
            maps.append(done.facts(), maps.load().after(done.facts()), 1);
            diskState = diskState.after(done.facts());
            disk.append(done.facts(), diskState, 1);
            if (done.reply() instanceof AcquireEpochReply reply) {
                commands.acquired(reply);
            }
            return true;
        }

        /** Every commit applied once more comes to what stands on the disk. */
        private void check() {
            disk.sync();
            disk.close();
            assertThat(StoreCheck.of(folder, (step, done, total) -> {}).damage()).isEmpty();
            disk = RocksCommitLog.open(folder, RETENTION, 1);
        }

        @Override
        public void close() {
            disk.close();
        }
    }
}
