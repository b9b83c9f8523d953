package dev.flywheel.store.replica;

import dev.flywheel.store.format.ReplicaUse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which blobs a replica holds, how large they are, and which was used last. Time is counted in uses. Not thread-safe.
 *
 * <p>Invariants: {@code total} is the sum of all sizes; no two blobs have the same use.
 */
final class BlobIndex {
    private record Use(long bytes, long used) {}

    private final Map<String, Use> blobs = new HashMap<>();
    private final TreeMap<Long, String> byUse = new TreeMap<>();
    private final Set<String> touched = new LinkedHashSet<>();
    private long total;
    private long uses;

    void found(String digest, ReplicaUse use) {
        uses = Math.max(uses, use.getUsed());
        put(digest, new Use(use.getBytes(), byUse.containsKey(use.getUsed()) ? ++uses
                : use.getUsed()));
    }

    void add(String digest, long bytes) {
        put(digest, new Use(bytes, ++uses));
        touched.add(digest);
    }

    private void put(String digest, Use use) {
        remove(digest);
        blobs.put(digest, use);
        byUse.put(use.used(), digest);
        total += use.bytes();
    }

    void use(String digest) {
        Use use = blobs.get(digest);
        if (use != null) {
            add(digest, use.bytes());
        }
    }

    boolean remove(String digest) {
        Use gone = blobs.remove(digest);
        if (gone == null) {
            return false;
        }
        byUse.remove(gone.used());
        touched.remove(digest);
        total -= gone.bytes();
        return true;
    }

    boolean has(String digest) {
        return blobs.containsKey(digest);
    }

    /** Returns those to give up so that {@code bytes} more fit below {@code max}: least recently used ones first, wanted ones last. */
    List<String> toMakeRoom(long bytes, long max, Set<String> wanted) {
        List<String> going = new ArrayList<>();
        long left = total + bytes - max;
        for (boolean also : new boolean[] {false, true}) {
            for (String digest : byUse.values()) {
                if (left > 0 && wanted.contains(digest) == also) {
                    going.add(digest);
                    left -= size(digest);
                }
            }
        }
        return going;
    }

    private long size(String digest) {
        Use use = blobs.get(digest);
        return use == null ? 0 : use.bytes();
    }

    /** Returns those whose use changed since this was last asked. */
    List<String> takeTouched() {
        List<String> changed = List.copyOf(touched);
        touched.clear();
        return changed;
    }

    @Nullable
    ReplicaUse row(String digest) {
        Use use = blobs.get(digest);
        return use == null ? null
                : ReplicaUse.newBuilder().setBytes(use.bytes()).setUsed(use.used()).build();
    }

    List<String> all() {
        return List.copyOf(byUse.values());
    }

    void clear() {
        blobs.clear();
        byUse.clear();
        touched.clear();
        total = 0;
    }

    int size() {
        return blobs.size();
    }

    long bytes() {
        return total;
    }
}
