package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.staging.HostMemory;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Runs ragged batches: any mix of prompt chunks and decode steps, an adapter per chunk.
 *
 * <p>Device memory is allocated once for {@code rowsMax} rows; a larger batch is run in several pieces.
 * A row's result does not depend on what else is in the batch. Not thread-safe; owns its memory, but
 * not the model, the slots or the cache.
 */
public final class ForwardPass implements AutoCloseable {
    /** Bounds the device memory for logits: rows times vocabulary. */
    private static final int LOGITS_ELEMENTS = 1 << 22;

    private final ModelSpec spec;
    private final Backend backend;
    private final BaseModel model;
    private final AdapterSlots slots;
    private final KvCache cache;
    private final int rowsMax;
    private final LayerForward layers;
    private final LayerBuffers buffers;
    private final RaggedRows rows;
    private final Buffer shrunk;
    private final Buffer wantedHidden;
    private final Buffer logits;
    private final int logitRowsMax;
    private final Buffer bestIds;
    private final Buffer bestLogProbs;

    private HostMemory hostMemory = new HostMemory();
    private MemorySegment host = MemorySegment.NULL;

    public ForwardPass(BaseModel model, AdapterSlots slots, KvCache cache, int rowsMax) {
        this(model, slots, cache, rowsMax, LOGITS_ELEMENTS);
    }

    ForwardPass(
            BaseModel model, AdapterSlots slots, KvCache cache, int rowsMax, int logitsElements) {
        if (rowsMax < 1) {
            throw new IllegalArgumentException("rowsMax is " + rowsMax + ", expected at least 1");
        }
        this.spec = model.spec();
        this.backend = model.backend();
        this.model = model;
        this.slots = slots;
        this.cache = cache;
        this.rowsMax = rowsMax;
        this.layers = new LayerForward(backend, spec, model.weights(), model.ropes());
        this.buffers = LayerBuffers.transientSet(backend, spec, rowsMax);
        this.rows = new RaggedRows(backend, cache, slots, rowsMax);
        this.shrunk = backend.allocate(DType.F32, (long) rowsMax * slots.rankMax());
        this.logitRowsMax = Math.clamp(logitsElements / spec.vocabSize(), 1, rowsMax);
        this.wantedHidden = LayerBuffers.hidden(backend, spec, logitRowsMax);
        this.logits = backend.allocate(DType.F32, (long) logitRowsMax * spec.vocabSize());
        this.bestIds = backend.allocate(DType.I32, logitRowsMax);
        this.bestLogProbs = backend.allocate(DType.F32, logitRowsMax);
    }

    /** Returns the rows that run in one piece. */
    public int rowsMax() {
        return rowsMax;
    }

    /**
     * Runs the chunks and appends their tokens to their sequences.
     *
     * @throws dev.flywheel.engine.kv.KvCacheFullException if the cache lacks blocks for all chunks
     *     together; nothing has happened then
     * @throws IllegalArgumentException if a chunk names a token, slot or length that does not exist
     */
    public Logits run(List<Chunk> chunks) {
        requireValid(chunks);
        cache.reserve(
                chunks.stream().map(Chunk::sequence).toList(),
                chunks.stream().mapToInt(chunk -> chunk.tokens().length).toArray());
        int[] firstRows = new int[chunks.size()];
        long wanted = 0;
        for (int i = 0; i < firstRows.length; i++) {
            firstRows[i] = Math.toIntExact(wanted);
            wanted += chunks.get(i).wantedRows();
        }
        requireHost(wanted * spec.vocabSize());
        rows.begin(chunks);
        Best best = new Best(new int[(int) wanted], new float[(int) wanted]);
        int done = 0;
        while (rows.next()) {
            done += runPiece(done, best);
        }
        for (Chunk chunk : chunks) {
            chunk.sequence().advance(chunk.tokens());
        }
        return new Logits(host, firstRows, best.ids(), best.logProbs(), spec.vocabSize());
    }

    /** Of each row of logits the best token, and the natural logarithm of its probability. */
    private record Best(int[] ids, float[] logProbs) {}

    @Override
    public void close() {
        buffers.closeAllBut(List.of());
        rows.close();
        shrunk.close();
        wantedHidden.close();
        logits.close();
        bestIds.close();
        bestLogProbs.close();
        hostMemory.close();
    }

    /** Runs the rows at hand and returns how many rows of logits they gave. */
    private int runPiece(int logitRowsDone, Best best) {
        Stream s = cache.stream();
        rows.upload(s);
        backend.embed(
                s, buffers.input(), model.weights().embedding(), rows.ids(), spec.embeddingScale(),
                rows.count(), spec.hiddenSize());
        for (int layer = 0; layer < spec.layers(); layer++) {
            layers.run(s, layer, buffers, rows.positions(), this::attend, this::adapt,
                    rows.count());
        }
        int wanted = rows.wantedCount();
        for (int from = 0; from < wanted; from += logitRowsMax) {
            head(s, from, Math.min(logitRowsMax, wanted - from), logitRowsDone + from, best);
        }
        s.synchronize();
        return wanted;
    }

    private void attend(Stream s, int layer, LayerBuffers b, int count) {
        Buffer keys = cache.keys(layer);
        Buffer values = cache.values(layer);
        backend.storeKv(s, keys, values, b.key(), b.value(), rows.kvSlots(), count, spec.kvDim());
        backend.attendPaged(
                s, b.attended(), b.query(), keys, values, rows.sequences(), rows.positions(),
                rows.blockTables(), spec.attentionShape(layer), count, rows.blocksPerSequence(),
                cache.blockTokens());
    }

    private void adapt(Stream s, int layer, Linear linear, Buffer y, Buffer x, int count) {
        if (rows.anyAdapter(layer, linear)) {
            slots.apply(
                    s, layer, linear, y, x, shrunk, rows.adapterSlots(s, layer, linear), count);
        }
    }

    private void head(Stream s, int from, int count, int hostRow, Best best) {
        int vocab = spec.vocabSize();
        backend.gatherRows(
                s, wantedHidden, buffers.output(), rows.wanted().slice(from, count), count,
                spec.hiddenSize());
        layers.norm(s, wantedHidden, wantedHidden, model.weights().finalNorm(), count);
        backend.matmul(
                s, logits, wantedHidden, model.weights().head(), 1, 0, count, spec.hiddenSize(),
                vocab);
        if (spec.logitCap() > 0) {
            backend.softCap(s, logits, spec.logitCap(), (long) count * vocab);
        }
        backend.argMax(s, bestIds, logits, count, vocab);
        backend.logProb(s, bestLogProbs, logits, bestIds, count, vocab);
        backend.download(s, bestIds.slice(0, count),
                MemorySegment.ofArray(best.ids())
                        .asSlice((long) hostRow * Integer.BYTES,
                                (long) count * Integer.BYTES));
        backend.download(s, bestLogProbs.slice(0, count),
                MemorySegment.ofArray(best.logProbs())
                        .asSlice((long) hostRow * Float.BYTES,
                                (long) count * Float.BYTES));
        backend.download(
                s, logits.slice(0, (long) count * vocab),
                host.asSlice((long) hostRow * vocab * Float.BYTES,
                        (long) count * vocab * Float.BYTES));
    }

    private void requireValid(List<Chunk> chunks) {
        Set<KvSequence> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Chunk chunk : chunks) {
            KvSequence sequence = chunk.sequence();
            if (sequence.cache() != cache || !seen.add(sequence)) {
                throw new IllegalArgumentException(
                        "a sequence is of another cache or stands in the batch twice");
            }
            int length = sequence.length() + chunk.tokens().length;
            if (length > spec.positionsMax()) {
                throw new IllegalArgumentException(
                        "a sequence would have " + length + " tokens, the model takes at most "
                                + spec.positionsMax());
            }
            if (chunk.adapterSlot() != AdapterSlots.BASE && !slots.isStaged(chunk.adapterSlot())) {
                throw new IllegalArgumentException(
                        "adapter slot " + chunk.adapterSlot() + " holds no adapter");
            }
            for (int token : chunk.tokens()) {
                if (token < 0 || token >= spec.vocabSize()) {
                    throw new IllegalArgumentException(
                            "token id " + token + " is outside the vocabulary of "
                                    + spec.vocabSize());
                }
            }
        }
    }

    private void requireHost(long elements) {
        if (host.byteSize() >= elements * Float.BYTES) {
            return;
        }
        hostMemory.close();
        hostMemory = new HostMemory();
        host = hostMemory.floats(elements);
    }
}
