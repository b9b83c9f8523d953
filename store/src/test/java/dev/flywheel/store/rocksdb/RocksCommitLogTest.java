package dev.flywheel.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.AcquireEpochRequest;
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
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is on the disk stays what it was, or the store says that it is not. */
class RocksCommitLogTest {
    private static final CommitRules RULES = new CommitRules(Limits.DEFAULT, Retention.DEFAULT);

    @TempDir Path folder;

    private RocksCommitLog open() {
        return RocksCommitLog.open(folder, Retention.DEFAULT, 0);
    }

    private static <R> R carryOut(RocksCommitLog log, Command<R> command) {
        StoreState state = log.load();
        var accepted = (Decision.Accepted<R>) RULES.decide(state, command, log.history());
        log.append(accepted.facts(), state.after(accepted.facts()), 1);
        log.sync();
        return accepted.reply();
    }

    /** An adapter, some epochs, and a blob of 100 KB. */
    private static byte[] fill(RocksCommitLog log, int epochs) {
        log.putBlob(Samples.digest(Samples.START), Samples.START, 1);
        carryOut(log, new Command.CreateAdapter(Samples.create("a"), 1));
        AcquireEpochRequest request = AcquireEpochRequest.newBuilder()
                .setAdapter("a")
                .setWriter("w".repeat(200))
                .build();
        for (int i = 0; i < epochs; i++) {
            carryOut(log, new Command.AcquireEpoch(request, i));
        }
        byte[] blob = new byte[100_000];
        new Random(5).nextBytes(blob);
        log.putBlob(Samples.digest(blob), blob, 1);
        log.sync();
        return blob;
    }

    private List<Path> files(String suffix) {
        try (Stream<Path> all = Files.list(folder.resolve("rocksdb"))) {
            return all.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static void flip(Path file, long offset) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[(int) offset] ^= 0x10;
        Files.write(file, bytes);
    }

    /** Opening moves everything from the write-ahead log into files of its own. */
    private void flush() {
        open().close();
    }

    @Test
    void aSecondOpenerIsRefusedWithTheFoldersName() {
        try (RocksCommitLog first = open()) {
            assertThatThrownBy(this::open).isInstanceOfSatisfying(StoreException.class, refused -> {
                assertThat(refused.kind()).isEqualTo(Kind.IN_USE);
                assertThat(refused).hasMessageContaining(folder.toString())
                        .hasMessageContaining("in use by another process");
            });
            assertThat(first.load().commit()).isZero();
        }
    }

    @Test
    void aNewerFormatIsRefusedBeforeAnythingIsTouched() throws IOException {
        open().close();
        Files.writeString(folder.resolve("format"), "flywheel store format 3\n");
        assertThatThrownBy(this::open).isInstanceOfSatisfying(StoreException.class,
                refused -> assertThat(refused.kind()).isEqualTo(Kind.FORMAT_TOO_NEW))
                .hasMessageContaining("has format 3, this program reads up to 2");
    }

    @Test
    void aStoreWithoutItsFormatFileIsRefused() throws IOException {
        try (RocksCommitLog log = open()) {
            fill(log, 1);
        }
        Files.delete(folder.resolve("format"));
        assertThatThrownBy(this::open).hasMessageContaining("its format file is gone");
    }

    @Test
    void aMakingThatWasCutShortIsFinished() throws IOException {
        open().close();
        Files.delete(folder.resolve("format"));
        try (RocksCommitLog log = open()) {
            fill(log, 1);
        }
        try (RocksCommitLog log = open()) {
            assertThat(log.load().commit()).isEqualTo(2);
        }
    }

    @Test
    void aBrokenRecordInTheMiddleOfTheWriteAheadLogIsRefusedNotSkipped() throws IOException {
        try (RocksCommitLog log = open()) {
            fill(log, 40);
        }
        Path wal = largest(".log");
        flip(wal, Files.size(wal) / 4);
        assertThatThrownBy(this::open).isInstanceOfSatisfying(StoreException.class,
                refused -> assertThat(refused.kind()).isEqualTo(Kind.CORRUPT));
    }

    private Path largest(String suffix) {
        return files(suffix).stream()
                .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
                .orElseThrow();
    }

    @Test
    void aFlippedBitInAStoredFileIsFoundWhenItOpens() throws Exception {
        try (RocksCommitLog log = open()) {
            fill(log, 40);
        }
        flush();
        for (Path file : files(".sst")) {
            byte[] good = Files.readAllBytes(file);
            flip(file, 8);
            assertThatThrownBy(this::open).as("flipped %s", file.getFileName())
                    .isInstanceOfSatisfying(StoreException.class,
                            refused -> assertThat(refused.kind()).isEqualTo(Kind.CORRUPT));
            Files.write(file, good);
        }
        open().close();
    }

    @Test
    void aDamagedBlobIsNeverHandedOutAndAnUploadHealsIt() throws Exception {
        byte[] blob;
        try (RocksCommitLog log = open()) {
            blob = fill(log, 1);
        }
        flush();
        Path file = largest(".blob");
        flip(file, Files.size(file) / 2);
        try (RocksCommitLog log = open()) {
            String digest = Samples.digest(blob);
            assertThatThrownBy(() -> log.history().blob(digest)).isInstanceOfSatisfying(
                    StoreException.class,
                    damaged -> assertThat(damaged.kind()).isEqualTo(Kind.CORRUPT));
            log.putBlob(digest, blob, 1);
            assertThat(log.history().blob(digest)).isEqualTo(blob);
        }
    }

    @Test
    void aBlobUnderAWrongNameIsNeverHandedOut() {
        try (RocksCommitLog log = open()) {
            String digest = Samples.digest("something else");
            log.putBlob(digest, Samples.bytes("something"), 1);
            assertThatThrownBy(() -> log.history().blob(digest))
                    .hasMessageContaining("no longer matches its digest");
        }
    }

    @Test
    void anExchangedCommitBreaksTheChain() throws Exception {
        try (RocksCommitLog log = open()) {
            fill(log, 10);
        }
        try (Database db = Database.open(folder.resolve("rocksdb"), false);
                Batch batch = new Batch(db)) {
            batch.put(Family.LOG, Keys.number(5), db.get(Family.LOG, Keys.number(6)));
            batch.write();
        }
        assertThatThrownBy(this::open).hasMessageContaining("the commit log is broken at commit 5");
    }

    @Test
    void aMissingCommitBreaksTheChain() throws Exception {
        try (RocksCommitLog log = open()) {
            fill(log, 10);
        }
        try (Database db = Database.open(folder.resolve("rocksdb"), false);
                Batch batch = new Batch(db)) {
            batch.delete(Family.LOG, Keys.number(11));
            batch.write();
        }
        assertThatThrownBy(this::open)
                .hasMessageContaining("the commit log is broken at commit 11");
    }

    @Test
    void uploadsThatNoVersionTookUpAreDroppedAfterTheirTime() {
        Retention oneMinute = new Retention(64, 256, Duration.ofMinutes(1), Duration.ofDays(90));
        byte[] orphan = Samples.bytes("orphan");
        try (RocksCommitLog log = RocksCommitLog.open(folder, oneMinute, 0)) {
            fill(log, 0);
            log.putBlob(Samples.digest(orphan), orphan, 30_000);
        }
        try (RocksCommitLog log = RocksCommitLog.open(folder, oneMinute, 89_000)) {
            assertThat(log.history().blob(Samples.digest(orphan))).isEqualTo(orphan);
        }
        try (RocksCommitLog log = RocksCommitLog.open(folder, oneMinute, 91_000)) {
            assertThat(log.history().hasBlob(Samples.digest(orphan))).isFalse();
            assertThat(log.history().blob(Samples.digest(Samples.START))).isEqualTo(Samples.START);
        }
    }

    @Test
    void openingAgainInPlaceKeepsWhatWasSynced() {
        try (RocksCommitLog log = open()) {
            fill(log, 3);
            StoreState before = log.load();
            log.reopen(1);
            assertThat(log.load().commit()).isEqualTo(before.commit());
            assertThat(log.load().sorted()).isEqualTo(before.sorted());
            carryOut(log, new Command.AcquireEpoch(Samples.epoch("a"), 1));
        }
    }

    @Test
    void readersOfAClosedStoreAreToldSo() {
        RocksCommitLog log = open();
        log.close();
        assertThatThrownBy(() -> log.history().hasBlob(Samples.digest("x")))
                .hasMessageContaining("the store is not open");
    }
}
