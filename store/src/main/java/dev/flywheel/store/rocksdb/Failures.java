package dev.flywheel.store.rocksdb;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/** What RocksDB's failures mean to us. */
final class Failures {

    private Failures() {}

    static StoreException of(String doing, RocksDBException failure) {
        Status status = failure.getStatus();
        if (status != null && status.getCode() == Status.Code.Corruption) {
            return new StoreException(Kind.CORRUPT, "corruption found while " + doing + ": "
                    + failure.getMessage(), failure);
        }
        if (diskFull(status, failure)) {
            return new StoreException(Kind.DISK_FULL, "no space left while " + doing
                    + "; free some, the store goes on by itself", failure);
        }
        return new StoreException(Kind.IO, "failed while " + doing + ": " + failure.getMessage(),
                failure);
    }

    private static boolean diskFull(@Nullable Status status,
            RocksDBException failure) {
        String message = failure.getMessage();
        return status != null && status.getSubCode() == Status.SubCode.NoSpace
                || message != null && message.contains("No space left");
    }

    /** A stored message; one that cannot be read is damage. */
    static <T extends MessageLite> T parse(Parser<T> parser, byte[] bytes, String what) {
        try {
            return parser.parseFrom(bytes);
        } catch (InvalidProtocolBufferException broken) {
            throw corrupt(what, broken);
        }
    }

    static StoreException corrupt(String what, InvalidProtocolBufferException failure) {
        return new StoreException(Kind.CORRUPT, what + " cannot be read: " + failure.getMessage(),
                failure);
    }
}
