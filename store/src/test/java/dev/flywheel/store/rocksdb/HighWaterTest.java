package dev.flywheel.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.core.StoreState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that has lost what it had acknowledged says so, also where its database sees nothing wrong. */
class HighWaterTest {
    private static final CommitRules RULES = new CommitRules(Limits.DEFAULT, Retention.DEFAULT);
    private static final int SLOT_BYTES = 4_096;

    @TempDir Path folder;

    private RocksCommitLog open() {
        return RocksCommitLog.open(folder, Retention.DEFAULT, 0);
    }

    private static void acquire(RocksCommitLog log) {
        carryOut(log, new Command.AcquireEpoch(Samples.epoch("a"), 1));
    }

    private static void carryOut(RocksCommitLog log, Command<?> command) {
        StoreState state = log.load();
        var accepted = (Decision.Accepted<?>) RULES.decide(state, command, log.history());
        log.append(accepted.facts(), state.after(accepted.facts()), 1);
        log.sync();
    }

    /** Commits 1 to {@code commits}. */
    private void fill(int commits) {
        try (RocksCommitLog log = open()) {
            log.putBlob(Samples.digest(Samples.START), Samples.START, 1);
            carryOut(log, new Command.CreateAdapter(Samples.create("a"), 1));
            for (int i = 1; i < commits; i++) {
                acquire(log);
            }
        }
    }

    private Path writeAheadLog() throws IOException {
        try (Stream<Path> all = Files.list(folder.resolve("rocksdb"))) {
            return all.filter(file -> file.toString().endsWith(".log"))
                    .max(Comparator.comparing(file -> file.toFile().length()))
                    .orElseThrow();
        }
    }

    /** Makes the write-ahead log as it was before one more commit: a cut at a record's end, which RocksDB cannot see. */
    private void loseOneCommit() throws IOException {
        long before;
        try (RocksCommitLog log = open()) {
            acquire(log);
            before = Files.size(writeAheadLog());
            acquire(log);
        }
        Path wal = writeAheadLog();
        Files.write(wal, Arrays.copyOf(Files.readAllBytes(wal), (int) before));
    }

    private void assertRefused(String... words) {
        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(StoreException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(Kind.CORRUPT))
                .hasMessageContainingAll(words);
    }

    @Test
    void aTailThatWasCutAtARecordsEndIsRefusedUntilItsLossIsAccepted() throws IOException {
        fill(5);
        loseOneCommit();
        assertRefused("has lost its newest commits: 7 were acknowledged, it ends at 6",
                "store restore", "accept-loss --commits 1");
        assertThatThrownBy(() -> RocksCommitLog.acceptLoss(folder, 2))
                .hasMessageContaining("accept-loss --commits 1");
        assertThat(RocksCommitLog.acceptLoss(folder, 1)).isEqualTo(6);
        try (RocksCommitLog log = open()) {
            assertThat(log.load().commit()).isEqualTo(6);
            acquire(log);
        }
        try (RocksCommitLog log = open()) {
            assertThat(log.load().commit()).isEqualTo(7);
        }
        assertThatThrownBy(() -> RocksCommitLog.acceptLoss(folder, 0))
                .hasMessageContaining("has lost nothing");
    }

    @Test
    void aTailThatWasCutWithinARecordIsRefusedToo() throws IOException {
        fill(5);
        Path wal = writeAheadLog();
        byte[] bytes = Files.readAllBytes(wal);
        Files.write(wal, Arrays.copyOf(bytes, bytes.length - 37));
        assertRefused("5 were acknowledged, it ends at 4");
    }

    @Test
    void aWriteAheadLogThatIsGoneIsRefused() throws IOException {
        fill(5);
        Files.delete(writeAheadLog());
        assertRefused("5 were acknowledged, it ends at 0");
    }

    @Test
    void oneTornMarkIsHarmlessAndRepaired() throws IOException {
        for (int slot = 0; slot < 2; slot++) {
            fill(5 * slot + 5);
            Path file = folder.resolve("highwater");
            byte[] bytes = Files.readAllBytes(file);
            bytes[slot * SLOT_BYTES + 20] ^= 1;
            Files.write(file, bytes);
            open().close();
            assertThat(HighWaterFile.read(folder).broken()).isZero();
            Files.walk(folder).sorted(Comparator.reverseOrder()).forEach(HighWaterTest::delete);
            Files.createDirectories(folder);
        }
    }

    private static void delete(Path path) {
        try {
            Files.delete(path);
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
    }

    @Test
    void marksThatAreBothBrokenOrGoneAreRefusedUntilAccepted() throws IOException {
        fill(5);
        Path file = folder.resolve("highwater");
        Files.write(file, new byte[2 * SLOT_BYTES]);
        assertRefused("file highwater cannot be read", "accept-loss --commits 0");
        assertThat(RocksCommitLog.acceptLoss(folder, 0)).isEqualTo(5);
        open().close();
        Files.delete(file);
        assertRefused("file highwater is gone");
        assertThat(RocksCommitLog.acceptLoss(folder, 0)).isEqualTo(5);
        open().close();
    }

    @Test
    void anotherHistoryOfTheSameLengthIsRefused() throws IOException {
        fill(5);
        HighWaterFile.make(folder, dev.flywheel.store.format.Tip.newBuilder()
                .setCommit(4)
                .setHash(com.google.protobuf.ByteString.copyFrom(new byte[32]))
                .build());
        assertRefused("commit 4 is not the one that was acknowledged");
    }

    /** Killed after the log was synced and before the mark was written: what is found is answered for from then on. */
    @Test
    void aMarkThatIsBehindIsRenewedWhenTheStoreOpens() throws IOException {
        fill(5);
        byte[] before = Files.readAllBytes(folder.resolve("highwater"));
        try (RocksCommitLog log = open()) {
            acquire(log);
        }
        Files.write(folder.resolve("highwater"), before);
        open().close();
        assertThat(HighWaterFile.read(folder).newest().getCommit()).isEqualTo(6);
    }

    @Test
    void everyCommitIsMarkedOnceItIsSynced() {
        fill(1);
        try (RocksCommitLog log = open()) {
            for (int commit = 2; commit < 9; commit++) {
                acquire(log);
                log.settle();
                assertThat(HighWaterFile.read(folder).newest().getCommit()).isEqualTo(commit);
            }
        }
    }
}
