package dev.flywheel.store.rocksdb;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Claim;
import dev.flywheel.store.core.Command;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.Decision;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.core.Tombstone;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksIterator;

/** Three rounds, of which two are too old to be kept. */
class ExpiredManifestsTest {
    private static final Retention RETENTION =
            new Retention(2, 2, Duration.ofHours(1), Duration.ofMillis(10));
    private static final CommitRules RULES = new CommitRules(Limits.DEFAULT, RETENTION);
    private static final Tombstone.OfUser GONE = new Tombstone.OfUser("news", "user of e1");

    @TempDir Path folder;

    @BeforeEach
    void threeRounds() {
        try (RocksCommitLog log = open()) {
            log.putBlob(Samples.digest(Samples.START), Samples.START, 1);
            carryOut(log, new Command.CreateAdapter(Samples.create(ADAPTER), 1));
            carryOut(log, new Command.AcquireEpoch(Samples.epoch(ADAPTER), 1));
            for (int seq = 1; seq <= 3; seq++) {
                carryOut(log, new Command.PutManifest(
                        Samples.manifest(ADAPTER, seq, 1, seq - 1, "e" + seq), seq));
                byte[] weights = Samples.bytes("weights " + seq);
                log.putBlob(Samples.digest(weights), weights, seq);
                carryOut(log, new Command.PutOutcome(
                        Samples.committed(ADAPTER, seq, 1, weights, weights), seq));
            }
        }
    }

    private RocksCommitLog open() {
        return RocksCommitLog.open(folder, RETENTION, 0);
    }

    private static void carryOut(RocksCommitLog log, Command<?> command) {
        StoreState state = log.load();
        Decision<?> decision = RULES.decide(state, command, log.history());
        var accepted = (Decision.Accepted<?>) decision;
        log.append(accepted.facts(), state.after(accepted.facts()), 1);
        log.sync();
    }

    private void expire() {
        try (RocksCommitLog log = open()) {
            carryOut(log, new Command.Expire(ADAPTER, 13));
            assertThat(log.history().manifest(ADAPTER, 2)).isNull();
            assertThat(log.history().manifest(ADAPTER, 3)).isNotNull();
        }
    }

    private CheckReport check() {
        return StoreCheck.of(folder, (step, done, total) -> {});
    }

    private void change(BiConsumer<Database, Batch> change) {
        try (Database db = Database.open(folder.resolve("rocksdb"), false);
                Batch batch = new Batch(db)) {
            change.accept(db, batch);
            batch.write();
            db.sync();
        }
    }

    private int marks() {
        try (Database db = Database.openReadOnly(folder.resolve("rocksdb"));
                RocksIterator all = db.iterator(Family.META)) {
            int marks = 0;
            for (all.seek(Keys.text("expired:")); all.isValid()
                    && Keys.startsWith(all.key(), Keys.text("expired:")); all.next()) {
                marks++;
            }
            return marks;
        }
    }

    @Test
    void aStoreWithoutThemIsSound() {
        expire();
        CheckReport report = check();
        assertThat(report.damage()).isEmpty();
        assertThat(report.manifests()).isEqualTo(3);
    }

    @Test
    void oneThatIsMissingAndNotTooOldIsDamage() {
        expire();
        change((db, batch) -> batch.delete(Family.MANIFESTS, Keys.of(ADAPTER, 3)));
        assertThat(check().damage())
                .anySatisfy(damage -> assertThat(damage.where())
                        .isEqualTo("manifest 3 of " + ADAPTER));
    }

    @Test
    void oneThatIsTooOldAndStillThereIsDamage() {
        expire();
        change((db, batch) -> batch.put(Family.MANIFESTS, Keys.of(ADAPTER, 2), new byte[] {1}));
        assertThat(check().damage())
                .anySatisfy(damage -> assertThat(damage.what())
                        .isEqualTo("it has expired and is still there"));
    }

    @Test
    void aClaimThatIsNoneOfTheirsIsStillCounted() {
        expire();
        change((db, batch) -> batch.put(Family.CLAIMS, Keys.digest(Samples.digest("e77")),
                Keys.value(new Claim(ADAPTER, 3))));
        assertThat(check().sound()).isFalse();
    }

    @Test
    void damageIsNotTakenForAge() {
        change((db, batch) -> batch.delete(Family.MANIFESTS, Keys.of(ADAPTER, 1)));
        try (RocksCommitLog log = open()) {
            assertThatThrownBy(() -> carryOut(log, new Command.Expire(ADAPTER, 13)))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("restore a backup");
        }
        assertThat(check().sound()).isFalse();
    }

    @Test
    void whoIsForgottenLeavesNoTraceAmongThem() {
        expire();
        assertThat(marks()).isEqualTo(2);
        try (RocksCommitLog log = open()) {
            assertThat(log.history().expiredOf(GONE, ADAPTER)).containsExactly(1L);
            carryOut(log, new Command.Withdraw(Set.of(GONE), 2));
            carryOut(log, new Command.Erase(GONE, 2));
            assertThat(log.history().expiredOf(GONE, ADAPTER)).isEmpty();
        }
        assertThat(marks()).isEqualTo(1);
        assertThat(check().damage()).isEmpty();
    }

    @Test
    void whoIsForgottenBeforeLeavesNone() {
        try (RocksCommitLog log = open()) {
            carryOut(log, new Command.Withdraw(Set.of(GONE), 2));
            carryOut(log, new Command.Erase(GONE, 2));
        }
        expire();
        assertThat(marks()).isEqualTo(1);
    }
}
