package dev.flywheel.engine.kv;

/** A batch needs more blocks than are free; nothing has been taken or written. */
public final class KvCacheFullException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int neededBlocks;
    private final int freeBlocks;

    KvCacheFullException(int neededBlocks, int freeBlocks) {
        super("kv cache needs " + neededBlocks + " more blocks, " + freeBlocks
                + " are free; close sequences or give the cache more blocks");
        this.neededBlocks = neededBlocks;
        this.freeBlocks = freeBlocks;
    }

    public int neededBlocks() {
        return neededBlocks;
    }

    public int freeBlocks() {
        return freeBlocks;
    }
}
