package dev.flywheel.store.rocksdb;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.store.core.Tombstone;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.rocksdb.RocksIterator;

/** Each user's own key, made when something of theirs is first written. For one batch, not thread-safe. */
final class UserKeys {
    private static final int KEY_BYTES = 32;
    private static final byte[] ERASED = Keys.text("erased:");
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Database db;
    private final Batch batch;
    /** What this batch makes is not in the database yet. */
    private final Map<ByteBuffer, byte[]> made = new HashMap<>();

    UserKeys(Database db, Batch batch) {
        this.db = db;
        this.batch = batch;
    }

    /** Under which a user's key is kept: what is left of their name where it is referred to. */
    static byte[] id(Tombstone.OfUser user) {
        return Digest.of(Keys.of(user)).raw();
    }

    static byte[] id(Example example) {
        return id(new Tombstone.OfUser(example.getTenant(), example.getUser()));
    }

    byte[] key(byte[] id) {
        byte[] kept = db.get(Family.KEYS, id);
        require(kept == null || kept.length > 0, "something of a user who was erased is claimed");
        return kept != null ? kept
                : made.computeIfAbsent(ByteBuffer.wrap(id), unknown -> make(id));
    }

    /**
     * Deletes a user's key, and marks that its bytes are still in files. No bytes stand in its place: a key that is not there at all
     * was lost, and that is damage.
     */
    static void erase(Batch batch, Tombstone.OfUser user) {
        byte[] id = id(user);
        batch.mark(Family.KEYS, id);
        batch.mark(Family.META, ByteBuffer.allocate(ERASED.length + id.length)
                .put(ERASED)
                .put(id)
                .array());
    }

    /** Rewrites the files that deleted keys are still in. */
    static void shred(Database db) {
        for (byte[] mark : marks(db)) {
            db.shred(Family.KEYS, Arrays.copyOfRange(mark, ERASED.length, mark.length));
            try (Batch batch = new Batch(db)) {
                batch.delete(Family.META, mark);
                batch.write();
            }
        }
    }

    private static List<byte[]> marks(Database db) {
        List<byte[]> marks = new ArrayList<>();
        try (RocksIterator all = db.iterator(Family.META)) {
            for (all.seek(ERASED); all.isValid() && Keys.startsWith(all.key(), ERASED); all
                    .next()) {
                marks.add(all.key());
            }
            Database.check(all, Family.META);
        }
        return marks;
    }

    private byte[] make(byte[] id) {
        byte[] key = new byte[KEY_BYTES];
        RANDOM.nextBytes(key);
        batch.put(Family.KEYS, id, key);
        return key;
    }
}
