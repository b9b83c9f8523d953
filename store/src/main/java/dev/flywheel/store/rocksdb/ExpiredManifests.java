package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.store.core.Fact;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.core.Tombstone;
import dev.flywheel.store.format.SavedManifest;
import dev.flywheel.store.format.SavedManifestEntry;
import dev.flywheel.store.format.SealedExample;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.rocksdb.RocksIterator;

/**
 * What is left of manifests that are not kept any more: their entries, and by user which of them held something of theirs, so
 * that they can be forgotten without reading it again. Not thread-safe.
 */
final class ExpiredManifests {
    private static final byte[] MARK = Keys.text("expired:");

    private final Database db;

    ExpiredManifests(Database db) {
        this.db = db;
    }

    void expire(Fact.ManifestsExpired expired, Batch batch) {
        byte[] prefix = Keys.prefix(expired.adapter());
        byte[] end = Keys.of(expired.adapter(), expired.upToSeq() + 1);
        try (RocksIterator entries = db.iterator(Family.ENTRIES)) {
            for (entries.seek(Keys.of(expired.adapter(), expired.fromSeq())); entries.isValid()
                    && Keys.startsWith(entries.key(), prefix)
                    && Arrays.compareUnsigned(entries.key(), end) < 0; entries.next()) {
                expire(entries.key(), Failures.parse(SavedManifestEntry.parser(), entries.value(),
                        "a manifest's entry"), batch);
            }
            Database.check(entries, Family.ENTRIES);
        }
    }

    private void expire(byte[] key, SavedManifestEntry entry, Batch batch) {
        byte[] bytes = db.get(Family.MANIFESTS, key);
        // Damage is not to be taken for age.
        if (bytes == null
                || !Arrays.equals(Digest.of(bytes).raw(), entry.getDigest().toByteArray())) {
            throw new StoreException(Kind.CORRUPT, "manifest " + entry.getSummary().getSeq()
                    + " of " + entry.getSummary().getAdapter()
                    + " no longer matches its digest; restore a backup");
        }
        Set<ByteString> users = new HashSet<>();
        Manifest manifest = entry.getSealed()
                ? sealed(Failures.parse(SavedManifest.parser(), bytes, "a manifest"), users)
                : open(Failures.parse(Manifest.parser(), bytes, "a manifest"), users);
        batch.delete(Family.MANIFESTS, key);
        batch.put(Family.ENTRIES, key,
                entry.toBuilder().setExpired(withoutContent(manifest)).build());
        if (entry.getSummary().getVersion() != 0) {
            users.forEach(user -> mark(user.toByteArray(), key, batch));
        }
    }

    private static Manifest sealed(SavedManifest saved, Set<ByteString> users) {
        saved.getExamplesList().stream().map(SealedExample::getKey).forEach(users::add);
        saved.getReplayedList().stream().map(SealedExample::getKey).forEach(users::add);
        return saved.getManifest();
    }

    private static Manifest open(Manifest manifest, Set<ByteString> users) {
        Consumer<Example> note = each -> users.add(ByteString.copyFrom(UserKeys.id(each)));
        manifest.getExamplesList().forEach(note);
        manifest.getReplayedList().forEach(note);
        return manifest;
    }

    private static Manifest withoutContent(Manifest manifest) {
        return manifest.toBuilder()
                .clearExamples()
                .clearReplayed()
                .clearErased()
                .clearOrigins()
                .build();
    }

    /** Of one who was erased nothing is asked any more. */
    private void mark(byte[] user, byte[] manifest, Batch batch) {
        byte[] userKey = db.get(Family.KEYS, user);
        if (userKey == null || userKey.length > 0) {
            batch.mark(Family.META, join(MARK, user, manifest));
        }
    }

    /** By seq. */
    Set<Long> of(Tombstone.OfUser user, String adapter) {
        Set<Long> found = new HashSet<>();
        each(join(MARK, UserKeys.id(user), Keys.prefix(adapter)),
                key -> found.add(ByteBuffer.wrap(key).getLong(key.length - Long.BYTES)));
        return found;
    }

    void erase(Tombstone.OfUser user, Batch batch) {
        each(join(MARK, UserKeys.id(user), new byte[0]), key -> batch.delete(Family.META, key));
    }

    private void each(byte[] prefix, Consumer<byte[]> work) {
        try (RocksIterator marks = db.iterator(Family.META)) {
            for (marks.seek(prefix); marks.isValid()
                    && Keys.startsWith(marks.key(), prefix); marks.next()) {
                work.accept(marks.key());
            }
            Database.check(marks, Family.META);
        }
    }

    private static byte[] join(byte[] mark, byte[] user, byte[] rest) {
        return ByteBuffer.allocate(mark.length + user.length + rest.length)
                .put(mark)
                .put(user)
                .put(rest)
                .array();
    }
}
