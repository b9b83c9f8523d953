package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.format.LogEntry;
import dev.flywheel.store.format.Tip;
import org.rocksdb.RocksIterator;

/** Checks that the newest commits are the ones that were written, none missing, none changed, none more. */
final class HashChain {

    private HashChain() {}

    static Tip tip(Database db) {
        byte[] bytes = db.get(Family.META, Keys.TIP);
        try {
            return bytes == null ? Tip.getDefaultInstance() : Tip.parseFrom(bytes);
        } catch (InvalidProtocolBufferException broken) {
            throw Failures.corrupt("the last commit's mark", broken);
        }
    }

    /** Walks at most {@code length} commits back from the tip. */
    static void verify(Database db, Tip tip, long length) {
        ByteString wanted = tip.getHash();
        long commit = tip.getCommit();
        try (RocksIterator log = db.iterator(Family.LOG)) {
            log.seekToLast();
            for (long left = length; commit > 0 && left > 0; left--, commit--) {
                if (!log.isValid() || Keys.number(log.key()) != commit) {
                    Database.check(log, Family.LOG);
                    throw broken(commit, log.isValid() ? "commit " + Keys.number(log.key())
                            + " stands in its place" : "it is missing");
                }
                byte[] bytes = log.value();
                if (!ByteString.copyFrom(Digest.of(bytes).raw()).equals(wanted)) {
                    throw broken(commit, "its bytes have changed");
                }
                wanted = entry(bytes).getPrevious();
                log.prev();
            }
            Database.check(log, Family.LOG);
            if (commit == 0 && log.isValid()) {
                throw broken(Keys.number(log.key()), "it precedes the first");
            }
        }
    }

    private static LogEntry entry(byte[] bytes) {
        try {
            return LogEntry.parseFrom(bytes);
        } catch (InvalidProtocolBufferException broken) {
            throw Failures.corrupt("a commit", broken);
        }
    }

    private static StoreException broken(long commit, String why) {
        return new StoreException(Kind.CORRUPT, "the commit log is broken at commit " + commit
                + ": " + why + "; restore the store from a backup");
    }
}
