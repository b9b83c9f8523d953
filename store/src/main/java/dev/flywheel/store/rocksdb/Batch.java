package dev.flywheel.store.rocksdb;

import com.google.protobuf.MessageLite;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** One atomic write in the making. Closing it frees its native memory, written or not. */
final class Batch implements AutoCloseable {
    private static final byte[] NOTHING = {};

    private final Database db;
    private final WriteBatch batch = new WriteBatch();

    Batch(Database db) {
        this.db = db;
    }

    void put(Family family, byte[] key, byte[] value) {
        try {
            batch.put(db.column(family), key, value);
        } catch (RocksDBException failure) {
            throw new StoreException(Kind.IO, "a batch grew too large", failure);
        }
    }

    void put(Family family, byte[] key, MessageLite value) {
        put(family, key, value.toByteArray());
    }

    void mark(Family family, byte[] key) {
        put(family, key, NOTHING);
    }

    void delete(Family family, byte[] key) {
        try {
            batch.delete(db.column(family), key);
        } catch (RocksDBException failure) {
            throw new StoreException(Kind.IO, "a batch grew too large", failure);
        }
    }

    void write() {
        db.write(batch);
    }

    @Override
    public void close() {
        batch.close();
    }
}
