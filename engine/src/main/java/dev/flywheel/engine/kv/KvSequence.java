package dev.flywheel.engine.kv;

import java.util.Arrays;

/**
 * The tokens of one sequence in the cache.
 *
 * <p>Invariant: only the last block can be partly filled, and a partly filled block belongs to this
 * sequence alone, so writing the next token never touches what another sequence sees. Not
 * thread-safe; {@link #close} may be called twice.
 */
public final class KvSequence implements AutoCloseable {
    private static final int BLOCKS_AT_FIRST = 8;

    private final KvCache cache;
    private int[] blocks = new int[BLOCKS_AT_FIRST];
    private int blockCount;
    private int length;
    private boolean closed;

    KvSequence(KvCache cache) {
        this.cache = cache;
    }

    /** Returns the tokens written. */
    public int length() {
        return length;
    }

    /** Returns the blocks held, shared ones included. */
    public int blockCount() {
        return blockCount;
    }

    /** Returns the cache's number of the sequence's {@code index}-th block. */
    public int block(int index) {
        assert index < blockCount : "block " + index + " of " + blockCount;
        return blocks[index];
    }

    /** Returns the cache's number of the slot in which the token at {@code position} lies. */
    public int slot(int position) {
        int blockTokens = cache.blockTokens();
        return block(position / blockTokens) * blockTokens + position % blockTokens;
    }

    /** Returns the cache that the sequence lies in. */
    public KvCache cache() {
        return cache;
    }

    /**
     * Returns a new sequence with the same tokens: full blocks are shared, a partial one is copied.
     * The caller closes it.
     *
     * @throws KvCacheFullException if the copy needs a block and none is free
     */
    public KvSequence fork() {
        requireOpen();
        KvSequence copy = new KvSequence(cache);
        int full = length / cache.blockTokens();
        int rest = length % cache.blockTokens();
        int[] partial = cache.pool().take(rest == 0 ? 0 : 1);
        for (int i = 0; i < full; i++) {
            cache.pool().share(blocks[i]);
            copy.addBlock(blocks[i]);
        }
        if (rest > 0) {
            cache.copyBlock(blocks[full], partial[0], rest);
            copy.addBlock(partial[0]);
        }
        copy.length = length;
        return copy;
    }

    /** Counts tokens as written; their blocks must have been reserved. */
    public void advance(int tokens) {
        assert missingBlocks(tokens) == 0 : "tokens were written without a block";
        length += tokens;
    }

    /** Frees every block that no other sequence shares. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (int i = 0; i < blockCount; i++) {
            cache.pool().release(blocks[i]);
        }
        blockCount = 0;
        length = 0;
    }

    int missingBlocks(int moreTokens) {
        requireOpen();
        int blockTokens = cache.blockTokens();
        int needed = Math.ceilDiv(length + moreTokens, blockTokens);
        return Math.max(0, needed - blockCount);
    }

    void addBlock(int block) {
        if (blockCount == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * blockCount);
        }
        blocks[blockCount++] = block;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the sequence is closed");
        }
    }
}
