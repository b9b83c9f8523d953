package dev.flywheel.store.rocksdb;

import java.util.List;

/**
 * What a check of a store found.
 *
 * @param commits number of the last commit that could be read
 * @param marked the newest commit that was acknowledged, as its mark says; -1 where there is no mark
 * @param blobBytes bytes of all blobs that were held against their digests
 * @param damages how many places are damaged
 * @param damage the first of them
 * @param notes what is not as it was written and harms nothing
 */
public record CheckReport(
        long commits,
        long marked,
        long adapters,
        long versions,
        long manifests,
        long claims,
        long blobs,
        long blobBytes,
        int damages,
        List<Damage> damage,
        List<String> notes) {

    /**
     * One damaged place.
     *
     * @param where such as {@code manifest 7 of default/news}
     * @param what what is wrong with it
     */
    public record Damage(String where, String what) {}

    public CheckReport {
        damage = List.copyOf(damage);
        notes = List.copyOf(notes);
    }

    /** Whether nothing is damaged. */
    public boolean sound() {
        return damages == 0;
    }
}
