package dev.flywheel.store.rocksdb;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.Example;
import dev.flywheel.store.core.Tombstone;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Map;

/** Each user's own key, made when something of theirs is first written. For one batch, not thread-safe. */
final class UserKeys {
    private static final int KEY_BYTES = 32;
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
        return kept != null ? kept
                : made.computeIfAbsent(ByteBuffer.wrap(id), unknown -> make(id));
    }

    private byte[] make(byte[] id) {
        byte[] key = new byte[KEY_BYTES];
        RANDOM.nextBytes(key);
        batch.put(Family.KEYS, id, key);
        return key;
    }
}
