package dev.flywheel.engine.kv;

import dev.flywheel.adapters.identity.Digest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of one sequence in the cache.
 *
 * <p>Invariant: only the last block can be partly filled, and a partly filled block belongs to this
 * sequence alone, so writing the next token never touches what another sequence sees. A sequence with a
 * {@link PrefixKey} names its full blocks, so that later ones with the same key and the same beginning share them. Not
 * thread-safe; {@link #close} may be called twice.
 */
public final class KvSequence implements AutoCloseable {
    private static final int BLOCKS_AT_FIRST = 8;

    private final KvCache cache;
    private final @Nullable PrefixChain chain;
    private int[] blocks = new int[BLOCKS_AT_FIRST];
    private int blockCount;
    private int length;
    private boolean closed;

    KvSequence(KvCache cache, @Nullable PrefixChain chain) {
        this.cache = cache;
        this.chain = chain;
    }

    /** Begins with the blocks that hold the tokens already, as far as there are; one token at least is left to be read. */
    void begin(PrefixChain names, int[] tokens) {
        int full = (tokens.length - 1) / cache.blockTokens();
        for (int i = 0; i < full * cache.blockTokens(); i++) {
            Digest name = names.add(tokens[i]);
            if (name == null) {
                continue;
            }
            int block = cache.pool().find(name);
            if (block < 0) {
                return;
            }
            addBlock(block);
            advance(Arrays.copyOfRange(tokens, length, length + cache.blockTokens()));
        }
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
     * Returns a new sequence with the same tokens: full blocks are shared, a partial one is copied. It names no blocks.
     * The caller closes it.
     *
     * @throws KvCacheFullException if the copy needs a block and none is free
     */
    public KvSequence fork() {
        requireOpen();
        KvSequence copy = new KvSequence(cache, null);
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

    /** Notes tokens as written; their blocks must have been reserved. */
    public void advance(int[] tokens) {
        assert missingBlocks(tokens.length) == 0 : "tokens were written without a block";
        for (int token : tokens) {
            Digest name = chain == null ? null : chain.add(token);
            if (name != null) {
                cache.pool().name(name, block(length / cache.blockTokens()));
            }
            length++;
        }
    }

    /** Frees every block that no other sequence shares. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        // From the end: what is forgotten first is what continues a prefix, not what begins it.
        for (int i = blockCount - 1; i >= 0; i--) {
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
