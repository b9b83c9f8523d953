package dev.flywheel.engine.kv;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.BaseModel;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of past tokens, in {@code blocks} blocks of {@code blockTokens} tokens each.
 *
 * <p>All memory is allocated at once, so it never grows (P8). One thread at a time opens, grows and
 * forks sequences, and runs the forward pass over them; {@link #freeBlocks} may be read by any. The
 * cache owns the stream on which both happen. Close it after its sequences are no longer used.
 */
public final class KvCache implements AutoCloseable {
    private final Backend backend;
    private final Stream stream;
    private final BlockPool pool;
    private final int blockTokens;
    private final int kvDim;
    private final int positionsMax;
    private final List<Buffer> keys = new ArrayList<>();
    private final List<Buffer> values = new ArrayList<>();

    public KvCache(BaseModel model, int blocks, int blockTokens) {
        if (blocks < 1 || blockTokens < 1 || (long) blocks * blockTokens > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "kv cache of " + blocks + " blocks of " + blockTokens
                            + " tokens; expected at least 1 of each and below 2^31 tokens in all");
        }
        this.backend = model.backend();
        this.pool = new BlockPool(blocks);
        this.blockTokens = blockTokens;
        this.kvDim = model.spec().kvDim();
        this.positionsMax = model.spec().positionsMax();
        this.stream = backend.stream(Stream.Priority.SERVING);
        long elements = (long) blocks * blockTokens * kvDim;
        for (int layer = 0; layer < model.spec().layers(); layer++) {
            keys.add(backend.allocate(DType.F32, elements));
            values.add(backend.allocate(DType.F32, elements));
        }
    }

    /** Opens an empty sequence; the caller closes it. */
    public KvSequence open() {
        return new KvSequence(this, null);
    }

    /**
     * Opens a sequence that begins with as many of the tokens as the cache still holds under this key, in whole blocks, and never with
     * all of them: its length says how many. The caller closes it.
     */
    public KvSequence open(PrefixKey key, int[] tokens) {
        KvSequence sequence = new KvSequence(this, new PrefixChain(key, blockTokens));
        sequence.begin(new PrefixChain(key, blockTokens), tokens);
        return sequence;
    }

    /** Returns the blocks that no sequence holds; some may hold prefixes that nothing needs now. */
    public int freeBlocks() {
        return pool.freeCount();
    }

    /** Returns all blocks, free or not. */
    public int capacityBlocks() {
        return pool.capacity();
    }

    public int blockTokens() {
        return blockTokens;
    }

    /** Returns the longest sequence that the model and the cache allow, in tokens. */
    public int positionsMax() {
        return (int) Math.min(positionsMax, (long) pool.capacity() * blockTokens);
    }

    /** Returns the stream on which the cache is written and must be read. */
    public Stream stream() {
        return stream;
    }

    /** Returns a layer's keys, [blocks * blockTokens, kvDim]. */
    public Buffer keys(int layer) {
        return keys.get(layer);
    }

    /** Returns a layer's values, [blocks * blockTokens, kvDim]. */
    public Buffer values(int layer) {
        return values.get(layer);
    }

    /**
     * Gives each sequence the blocks for so many more tokens, or throws and gives none.
     *
     * @throws KvCacheFullException if there are too few free blocks for all of them together
     */
    public void reserve(List<KvSequence> sequences, int[] moreTokens) {
        int total = 0;
        for (int i = 0; i < moreTokens.length; i++) {
            total += sequences.get(i).missingBlocks(moreTokens[i]);
        }
        int[] taken = pool.take(total);
        int next = 0;
        for (int i = 0; i < moreTokens.length; i++) {
            KvSequence sequence = sequences.get(i);
            for (int n = sequence.missingBlocks(moreTokens[i]); n > 0; n--) {
                sequence.addBlock(taken[next++]);
            }
        }
    }

    BlockPool pool() {
        return pool;
    }

    /** Copies the first {@code tokens} tokens of a block, in every layer. */
    void copyBlock(int from, int to, int tokens) {
        long n = (long) tokens * kvDim;
        for (int layer = 0; layer < keys.size(); layer++) {
            for (Buffer cache : List.of(keys.get(layer), values.get(layer))) {
                backend.copy(stream, at(cache, to, n), at(cache, from, n), n);
            }
        }
    }

    private Buffer at(Buffer cache, int block, long n) {
        return cache.slice((long) block * blockTokens * kvDim, n);
    }

    @Override
    public void close() {
        stream.close();
        keys.forEach(Buffer::close);
        values.forEach(Buffer::close);
    }
}
