package dev.flywheel.store.rocksdb;

/** Told how far a check is. */
public interface CheckProgress {

    /** {@code total} is what is known of it so far; it may grow. */
    void at(String step, long done, long total);
}
