package dev.flywheel.engine.kv;

import dev.flywheel.adapters.identity.Digest;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which blocks are in use, by how many sequences, and which hold a prefix that others may share.
 *
 * <p>A named block that no sequence holds any more stays as it is until its room is needed: it is idle, and counts as free. The one that
 * has been idle for longest goes first.
 *
 * <p>Invariant: a block is held by a sequence exactly if its count is above zero; if not, it is idle if it has a name, and on the free
 * list if it has none. So held, idle and free blocks add up to the capacity at all times. Thread-safe.
 */
final class BlockPool {
    private final int[] counts;
    private final int[] free;
    private final @Nullable Digest[] names;
    private final Map<Digest, Integer> named = new HashMap<>();
    private final LinkedHashSet<Integer> idle = new LinkedHashSet<>();
    private int freeCount;

    BlockPool(int blocks) {
        this.counts = new int[blocks];
        this.free = new int[blocks];
        this.names = new @Nullable Digest[blocks];
        for (int i = 0; i < blocks; i++) {
            free[i] = blocks - 1 - i; // the lowest is taken first
        }
        this.freeCount = blocks;
    }

    synchronized int freeCount() {
        return freeCount + idle.size();
    }

    int capacity() {
        return counts.length;
    }

    /** Takes {@code n} blocks with a count of one, or none at all. */
    synchronized int[] take(int n) {
        if (n > freeCount + idle.size()) {
            throw new KvCacheFullException(n, freeCount + idle.size());
        }
        while (freeCount < n) {
            forgetOldest();
        }
        int[] taken = new int[n];
        for (int i = 0; i < n; i++) {
            int block = free[--freeCount];
            assert counts[block] == 0 : "free block " + block + " is in use";
            counts[block] = 1;
            taken[i] = block;
        }
        return taken;
    }

    private void forgetOldest() {
        Iterator<Integer> oldest = idle.iterator();
        int block = oldest.next();
        oldest.remove();
        named.remove(names[block]);
        names[block] = null;
        free[freeCount++] = block;
    }

    synchronized void share(int block) {
        assert counts[block] > 0 : "shared block " + block + " is free";
        counts[block]++;
    }

    synchronized void release(int block) {
        assert counts[block] > 0 : "block " + block + " is freed twice";
        if (--counts[block] > 0) {
            return;
        }
        if (names[block] == null) {
            free[freeCount++] = block;
        } else {
            idle.add(block);
        }
    }

    /** Names a full block in use; the first of several with the same content keeps the name. */
    synchronized void name(Digest name, int block) {
        assert counts[block] > 0 : "named block " + block + " is free";
        if (names[block] == null && named.putIfAbsent(name, block) == null) {
            names[block] = name;
        }
    }

    /** Returns the block of a name, shared, or -1 if there is none. */
    synchronized int find(Digest name) {
        Integer block = named.get(name);
        if (block == null) {
            return -1;
        }
        idle.remove(block);
        counts[block]++;
        return block;
    }
}
