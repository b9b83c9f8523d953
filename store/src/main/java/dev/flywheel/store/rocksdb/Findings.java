package dev.flywheel.store.rocksdb;

import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.rocksdb.CheckReport.Damage;
import java.util.ArrayList;
import java.util.List;

/** What a check has found and counted so far. For one thread. */
final class Findings {
    private static final int LISTED_MAX = 100;

    private final List<Damage> listed = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private int damages;
    long commits;
    long marked = -1;
    long adapters;
    long versions;
    long manifests;
    long expired;
    long claims;
    long audits;
    long tombstones;
    long blobs;
    long blobBytes;

    void damage(String where, String what) {
        damages++;
        if (listed.size() < LISTED_MAX) {
            listed.add(new Damage(where, what));
        }
    }

    int damages() {
        return damages;
    }

    void note(String note) {
        notes.add(note);
    }

    void require(boolean holds, String where, String what) {
        if (!holds) {
            damage(where, what);
        }
    }

    /** Carries out one part; what cannot be read is one damage, and the next part goes on. */
    boolean part(String where, Runnable work) {
        try {
            work.run();
            return true;
        } catch (StoreException unreadable) {
            damage(where, String.valueOf(unreadable.getMessage()));
        } catch (RuntimeException strange) {
            damage(where, "it cannot be understood: " + strange);
        }
        return false;
    }

    CheckReport report() {
        return new CheckReport(commits, marked, adapters, versions, manifests, claims, blobs,
                blobBytes, damages, listed, notes);
    }
}
