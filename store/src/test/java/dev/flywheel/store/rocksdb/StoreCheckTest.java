package dev.flywheel.store.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Outcome;
import dev.flywheel.store.RunningStore;
import dev.flywheel.store.Samples;
import dev.flywheel.store.core.Claim;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A check passes over nothing: what a store wrote is sound, and each row that is changed behind its back is named. */
class StoreCheckTest {
    private static final String A = Samples.ADAPTER;

    @TempDir Path folder;

    /** Every kind of fact and outcome. */
    @BeforeEach
    void fill() {
        try (RunningStore running = new RunningStore(folder)) {
            long epoch = running.createAdapter(A);
            running.commitRound(A, 1, epoch, 0, "e1", "e2");
            running.commitRound(A, 2, epoch, 1, "e3");
            running.client.putManifest(Samples.manifest(A, 3, epoch, 2, "e4"));
            running.client.putOutcome(Samples.ended(A, 3, epoch, Outcome.OUTCOME_ABANDONED));
            running.client.putManifest(Samples.manifest(A, 4, epoch, 2, "e4", "e5"));
            running.client.putOutcome(Samples.ended(A, 4, epoch, Outcome.OUTCOME_REJECTED));
            running.client.putManifest(Samples.manifest(A, 5, epoch, 2, "e6"));
            running.client.setAlias(Samples.alias(A, "mine", 1, 0));
            running.client.withdraw(Samples.example(A, "e9").getFeedback(0));
            running.client.configureAdapter(Samples.configure(running.client.getAdapter(A)));
            running.createAdapter("gone");
            running.client.deleteAdapter(Samples.delete("gone", 1));
        }
    }

    private CheckReport check() {
        return StoreCheck.of(folder, (step, done, total) -> {});
    }

    private void damage(BiConsumer<Database, Batch> change) {
        try (Database db = Database.open(folder.resolve("rocksdb"), false);
                Batch batch = new Batch(db)) {
            change.accept(db, batch);
            batch.write();
            db.sync();
        }
    }

    private void assertDamage(String where, String what) {
        CheckReport report = check();
        assertThat(report.sound()).isFalse();
        assertThat(report.damage()).anySatisfy(damage -> {
            assertThat(damage.where()).isEqualTo(where);
            assertThat(damage.what()).contains(what);
        });
    }

    @Test
    void whatAStoreWroteIsSoundAndCounted() {
        List<String> steps = new ArrayList<>();
        CheckReport report = StoreCheck.of(folder, (step, done, total) -> steps.add(step));
        assertThat(report.damage()).isEmpty();
        assertThat(report.sound()).isTrue();
        assertThat(report.notes()).isEmpty();
        assertThat(report.marked()).isEqualTo(report.commits()).isGreaterThan(15);
        assertThat(report.adapters()).isEqualTo(2);
        assertThat(report.versions()).isEqualTo(4);
        assertThat(report.manifests()).isEqualTo(5);
        // e1 to e6, each with the event behind it.
        assertThat(report.claims()).isEqualTo(12);
        assertThat(report.blobs()).isEqualTo(5);
        assertThat(report.blobBytes()).isPositive();
        assertThat(steps).contains("checksums", "log", "blobs");
    }

    @Test
    void nothingIsChangedByIt() throws IOException {
        try (var before = Files.walk(folder)) {
            List<String> files = before.map(Path::toString).sorted().toList();
            check();
            try (var after = Files.walk(folder)) {
                assertThat(after.map(Path::toString).sorted().toList())
                        .filteredOn(file -> !file.contains("LOG"))
                        .isEqualTo(files.stream().filter(file -> !file.contains("LOG")).toList());
            }
        }
    }

    @Test
    void aClaimThatIsGoneOrAnothersBreaksTheFirstInvariant() {
        byte[] id = Keys.digest(Samples.digest("e1"));
        damage((db, batch) -> batch.delete(Family.CLAIMS, id));
        assertDamage("manifest 1 of " + A, "(I1)");
        damage((db, batch) -> batch.put(Family.CLAIMS, id, Keys.value(new Claim(A, 2))));
        assertDamage("manifest 1 of " + A, "(I1)");
    }

    @Test
    void aClaimThatNoCommitMadeIsCounted() {
        damage((db, batch) -> batch.put(Family.CLAIMS, Keys.digest(Samples.digest("e77")),
                Keys.value(new Claim(A, 2))));
        assertDamage("family claims", "it has 13 rows, its commits wrote 12");
    }

    @Test
    void aVersionWithAnotherParentBreaksTheSecondInvariant() {
        damage((db, batch) -> {
            try {
                batch.put(Family.VERSIONS, Keys.of(A, 2), dev.flywheel.api.v1.VersionRecord
                        .parseFrom(db.get(Family.VERSIONS, Keys.of(A, 2)))
                        .toBuilder()
                        .setParent(0)
                        .build());
            } catch (com.google.protobuf.InvalidProtocolBufferException broken) {
                throw new AssertionError(broken);
            }
        });
        assertDamage("version 2 of " + A, "it differs from the commit that wrote it");
        assertDamage("version 2 of " + A, "(I2)");
    }

    @Test
    void aManifestOfOtherBytesIsNamed() {
        damage((db, batch) -> batch.put(Family.MANIFESTS, Keys.of(A, 2),
                db.get(Family.MANIFESTS, Keys.of(A, 1))));
        assertDamage("manifest 2 of " + A, "no longer match their digest");
    }

    @Test
    void anOutcomeThatWasChangedIsNamed() {
        damage((db, batch) -> batch.put(Family.ENTRIES, Keys.of(A, 4),
                db.get(Family.ENTRIES, Keys.of(A, 5))));
        assertDamage("manifest 4 of " + A, "its entry differs");
    }

    @Test
    void aBlobOfOtherBytesAndOneThatIsGoneAreNamed() {
        byte[] key = Keys.digest(Samples.digest("weights " + A + 2));
        damage((db, batch) -> batch.put(Family.BLOBS, key, Samples.bytes("other")));
        assertDamage("blob " + Keys.digest(key), "no longer match their digest");
        damage((db, batch) -> batch.delete(Family.BLOBS, key));
        assertDamage("blob " + Keys.digest(key), "it is missing");
        damage((db, batch) -> batch.delete(Family.UPLOADS, key));
        assertDamage("version 2 of " + A, "its blob " + Keys.digest(key) + " is missing");
    }

    @Test
    void anAdapterThatItsCommitsDidNotMakeIsNamed() {
        damage((db, batch) -> batch.put(Family.ADAPTERS, Keys.text("gone"),
                db.get(Family.ADAPTERS, Keys.text(A))));
        assertDamage("adapter gone", "it differs from what its commits made it");
    }

    @Test
    void aReferenceAnAuditEntryAndAWithdrawalThatAreGoneAreNamed() {
        damage((db, batch) -> {
            batch.delete(Family.AUDIT, Keys.of(A, 2));
            try (var tombstones = db.iterator(Family.TOMBSTONES);
                    var references = db.iterator(Family.REFERENCES)) {
                tombstones.seekToFirst();
                batch.delete(Family.TOMBSTONES, tombstones.key());
                references.seekToFirst();
                batch.delete(Family.REFERENCES, references.key());
            }
        });
        assertDamage("audit entry 2 of " + A, "it is missing");
        assertDamage("a withdrawal", "it is missing");
        assertDamage("family references", "rows");
    }

    @Test
    void aCommitThatIsGoneEndsTheWalkThere() {
        damage((db, batch) -> batch.delete(Family.LOG, Keys.number(7)));
        assertDamage("commit 7", "it is missing");
        assertThat(check().commits()).isEqualTo(6);
    }

    @Test
    void aStoreOfAnOlderReleaseIsSound(@TempDir Path old) throws IOException {
        dev.flywheel.store.OldStore.unpack(old);
        CheckReport report = StoreCheck.of(old, (step, done, total) -> {});
        assertThat(report.damage()).isEmpty();
        assertThat(report.marked()).isEqualTo(-1);
        assertThat(report.versions()).isEqualTo(3);
    }

    @Test
    void aFolderWithoutAStoreIsDamage(@TempDir Path empty) {
        assertThat(StoreCheck.of(empty, (step, done, total) -> {}).damage())
                .extracting(CheckReport.Damage::where)
                .contains("format", "database");
    }
}
