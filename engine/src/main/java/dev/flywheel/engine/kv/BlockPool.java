package dev.flywheel.engine.kv;

/**
 * Which blocks are in use, and by how many sequences.
 *
 * <p>Invariant: a block is on the free list exactly if its count is zero, so free and used blocks add
 * up to the capacity at all times. Thread-safe.
 */
final class BlockPool {
    private final int[] counts;
    private final int[] free;
    private int freeCount;

    BlockPool(int blocks) {
        this.counts = new int[blocks];
        this.free = new int[blocks];
        for (int i = 0; i < blocks; i++) {
            free[i] = blocks - 1 - i; // the lowest is taken first
        }
        this.freeCount = blocks;
    }

    synchronized int freeCount() {
        return freeCount;
    }

    int capacity() {
        return counts.length;
    }

    /** Takes {@code n} blocks with a count of one, or none at all. */
    synchronized int[] take(int n) {
        if (n > freeCount) {
            throw new KvCacheFullException(n, freeCount);
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

    synchronized void share(int block) {
        assert counts[block] > 0 : "shared block " + block + " is free";
        counts[block]++;
    }

    synchronized void release(int block) {
        assert counts[block] > 0 : "block " + block + " is freed twice";
        if (--counts[block] == 0) {
            free[freeCount++] = block;
        }
    }
}
