package dev.flywheel.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.Manifest;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.SavedManifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What users said is on the disk only as long as their keys are. */
class ErasureTest {
    private static final CommitRules RULES = new CommitRules(Limits.DEFAULT, Retention.DEFAULT);
    private static final String A = Samples.ADAPTER;
    private static final Tombstone.OfUser GONE = new Tombstone.OfUser("news", "user of e1");

    @TempDir Path folder;

    private RocksCommitLog open() {
        return RocksCommitLog.open(folder, Retention.DEFAULT, 0);
    }

    private static void carryOut(RocksCommitLog log, Command<?> command) {
        StoreState state = log.load();
        Decision<?> decision = RULES.decide(state, command, log.history());
        var accepted = (Decision.Accepted<?>) decision;
        log.append(accepted.facts(), state.after(accepted.facts()), 1);
        log.sync();
    }

    private static void twoUsersSaidSomething(RocksCommitLog log) {
        log.putBlob(Samples.digest(Samples.START), Samples.START, 1);
        carryOut(log, new Command.CreateAdapter(Samples.create(A), 1));
        carryOut(log, new Command.AcquireEpoch(Samples.epoch(A), 1));
        carryOut(log, new Command.PutManifest(Samples.manifest(A, 1, 1, 0, "e1", "e2"), 1));
    }

    private static Manifest manifest(RocksCommitLog log) {
        return Objects.requireNonNull(log.history().manifest(A, 1));
    }

    private static byte[] key(Path store) {
        try (Database db = Database.openReadOnly(store.resolve("rocksdb"))) {
            return Objects.requireNonNull(db.get(Family.KEYS, UserKeys.id(GONE)));
        }
    }

    private List<Path> holding(byte[] bytes) throws IOException {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).filter(file -> {
                try {
                    return Files.readString(file, StandardCharsets.ISO_8859_1).contains(text);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }).toList();
        }
    }

    @Test
    void aManifestReadsAsItWasClaimedAndLiesSealed() throws IOException {
        try (RocksCommitLog log = open()) {
            twoUsersSaidSomething(log);
            assertThat(manifest(log).getExamplesList())
                    .containsExactly(Samples.example(A, "e1"), Samples.example(A, "e2"));
        }
        assertThat(holding("user of e1".getBytes(StandardCharsets.UTF_8))).isEmpty();
        assertThat(holding("impression of e1".getBytes(StandardCharsets.UTF_8))).isEmpty();
    }

    @Test
    void whatAForgottenUserSaidIsReadByNobodyAndTheirKeyIsInNoFile() throws IOException {
        try (RocksCommitLog log = open()) {
            twoUsersSaidSomething(log);
        }
        byte[] key = key(folder);
        assertThat(holding(key)).isNotEmpty();

        try (RocksCommitLog log = open()) {
            carryOut(log, new Command.Withdraw(Set.of(GONE), 2));
            carryOut(log, new Command.Erase(GONE, 2));
            assertThat(holding(key)).isEmpty();
            assertThat(manifest(log).getExamplesList())
                    .containsExactly(Samples.example(A, "e2"));
            assertThat(manifest(log).getErasedList())
                    .containsExactly(Samples.digest("e1"));
        }
        assertThat(StoreCheck.of(folder, (step, done, total) -> {}).sound()).isTrue();
    }

    @Test
    void aDeletionThatWasCutShortIsFinishedAtTheNextOpening() throws IOException {
        try (RocksCommitLog log = open()) {
            twoUsersSaidSomething(log);
        }
        open().close();
        byte[] key = key(folder);
        try (Database db = Database.open(folder.resolve("rocksdb"), false);
                Batch batch = new Batch(db)) {
            UserKeys.erase(batch, GONE);
            batch.write();
            db.sync();
        }
        assertThat(holding(key)).isNotEmpty();
        open().close();
        assertThat(holding(key)).isEmpty();
    }

    @Test
    void aKeyThatIsGoneWithoutADeletionIsDamageAndReadsAsNoErasure() {
        try (RocksCommitLog log = open()) {
            twoUsersSaidSomething(log);
        }
        try (Database db = Database.open(folder.resolve("rocksdb"), false);
                Batch batch = new Batch(db)) {
            batch.delete(Family.KEYS, UserKeys.id(GONE));
            batch.write();
            db.sync();
        }
        assertThat(StoreCheck.of(folder, (step, done, total) -> {}).damage())
                .anySatisfy(damage -> assertThat(damage.what()).contains("is missing"));
        try (RocksCommitLog log = open()) {
            assertThatThrownBy(() -> manifest(log)).hasMessageContaining("the key of the user")
                    .hasMessageContaining("is missing");
        }
    }

    @Test
    void anExampleUnderAnotherExamplesIdDoesNotOpen() {
        try (RocksCommitLog log = open()) {
            twoUsersSaidSomething(log);
        }
        try (Database db = Database.openReadOnly(folder.resolve("rocksdb"))) {
            SavedManifest saved = Failures.parse(SavedManifest.parser(),
                    Objects.requireNonNull(db.get(Family.MANIFESTS, Keys.of(A, 1))), "it");
            SavedManifest swapped = saved.toBuilder()
                    .setExamples(0, saved.getExamples(1))
                    .setExamples(1, saved.getExamples(0))
                    .build();
            assertThatThrownBy(() -> ManifestSeal.open(swapped, id -> db.get(Family.KEYS, id)))
                    .hasMessageContaining("does not open with its user's key");
        }
    }
}
