package dev.flywheel.store.rocksdb;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** Bytes under their SHA-256. Bytes that no longer match their name are never handed out. */
final class BlobShelf {

    private BlobShelf() {}

    /**
     * Not synced, and need not be: the commit that refers to the blob comes later in the same write-ahead log, and its sync
     * covers everything before it. A crash between the two loses a blob that no version refers to.
     */
    static void put(Database db, String digest, byte[] bytes, long atMillis) {
        byte[] key = Keys.digest(digest);
        try (Batch batch = new Batch(db)) {
            // Not only when absent: bytes that rotted on the disk are replaced by the good ones.
            if (!intact(db, key)) {
                batch.put(Family.BLOBS, key, bytes);
            }
            batch.put(Family.UPLOADS, key, Keys.number(atMillis));
            batch.write();
        }
    }

    private static boolean intact(Database db, byte[] key) {
        if (db.get(Family.UPLOADS, key) == null) {
            return false;
        }
        try {
            byte[] stored = db.get(Family.BLOBS, key);
            return stored != null && Arrays.equals(Digest.of(stored).raw(), key);
        } catch (StoreException unreadable) {
            if (unreadable.kind() == Kind.CORRUPT) {
                return false;
            }
            throw unreadable;
        }
    }

    static boolean has(Database db, String digest) {
        return db.get(Family.UPLOADS, Keys.digest(digest)) != null;
    }

    static byte @Nullable [] get(Database db, String digest) {
        byte[] key = Keys.digest(digest);
        byte[] bytes = db.get(Family.BLOBS, key);
        if (bytes != null && !Arrays.equals(Digest.of(bytes).raw(), key)) {
            throw new StoreException(Kind.CORRUPT, "blob " + digest
                    + " no longer matches its digest; upload it again or restore a backup");
        }
        return bytes;
    }

    /** Drops blobs that were uploaded before {@code beforeMillis} and that no version refers to. */
    static int dropOrphans(Database db, long beforeMillis) {
        List<byte[]> orphans = new ArrayList<>();
        try (RocksIterator uploads = db.iterator(Family.UPLOADS);
                RocksIterator references = db.iterator(Family.REFERENCES)) {
            for (uploads.seekToFirst(); uploads.isValid(); uploads.next()) {
                byte[] key = uploads.key();
                references.seek(key);
                Database.check(references, Family.REFERENCES);
                boolean referred = references.isValid() && Keys.startsWith(references.key(), key);
                if (!referred && Keys.number(uploads.value()) < beforeMillis) {
                    orphans.add(key);
                }
            }
            Database.check(uploads, Family.UPLOADS);
        }
        try (Batch batch = new Batch(db)) {
            for (byte[] orphan : orphans) {
                batch.delete(Family.BLOBS, orphan);
                batch.delete(Family.UPLOADS, orphan);
            }
            batch.write();
        }
        return orphans.size();
    }
}
