package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.staging.StagedInts;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Lays a batch of chunks out as rows, in pieces of at most {@code rowsMax}, and tells kernels about
 * each row: token, position, place in the cache, adapter.
 *
 * <p>Use: {@link #begin}, then while {@link #next} gives a piece, {@link #upload} and the getters.
 */
final class RaggedRows implements AutoCloseable {
    private final KvCache cache;
    private final AdapterSlots slots;
    private final int rowsMax;
    private final StagedInts ids;
    private final StagedInts positions;
    private final StagedInts kvSlots;
    private final StagedInts sequences;
    private final StagedInts adapters;
    private final StagedInts partialAdapters;
    private final StagedInts wanted;
    private final StagedInts blockTables;
    private final int[] slotOfRow;

    private List<Chunk> chunks = List.of();
    private int chunk;
    private int token;

    private final List<KvSequence> pieceSequences = new ArrayList<>();
    private final BitSet pieceSlots = new BitSet();
    private int count;
    private int wantedCount;
    private int blocksPerSequence;

    RaggedRows(Backend backend, KvCache cache, AdapterSlots slots, int rowsMax) {
        this.cache = cache;
        this.slots = slots;
        this.rowsMax = rowsMax;
        this.ids = new StagedInts(backend, rowsMax);
        this.positions = new StagedInts(backend, rowsMax);
        this.kvSlots = new StagedInts(backend, rowsMax);
        this.sequences = new StagedInts(backend, rowsMax);
        this.adapters = new StagedInts(backend, rowsMax);
        this.partialAdapters = new StagedInts(backend, rowsMax);
        this.wanted = new StagedInts(backend, rowsMax);
        this.blockTables = new StagedInts(backend, rowsMax);
        this.slotOfRow = new int[rowsMax];
    }

    void begin(List<Chunk> batch) {
        chunks = batch;
        chunk = 0;
        token = 0;
    }

    /** Lays out the next piece; false once every row has been in one. */
    boolean next() {
        count = 0;
        wantedCount = 0;
        blocksPerSequence = 1;
        pieceSlots.clear();
        pieceSequences.clear();
        while (chunk < chunks.size() && count < rowsMax) {
            Chunk current = chunks.get(chunk);
            int from = token;
            int to = Math.min(current.tokens().length, from + rowsMax - count);
            layOut(current, from, to);
            token = to;
            if (to == current.tokens().length) {
                chunk++;
                token = 0;
            }
        }
        return count > 0;
    }

    private void layOut(Chunk current, int from, int to) {
        KvSequence sequence = current.sequence();
        int slot = current.adapterSlot();
        if (slot != AdapterSlots.BASE) {
            pieceSlots.set(slot);
        }
        for (int i = from; i < to; i++) {
            int position = sequence.length() + i;
            ids.set(count, current.tokens()[i]);
            positions.set(count, position);
            kvSlots.set(count, sequence.slot(position));
            sequences.set(count, pieceSequences.size());
            adapters.set(count, slot);
            slotOfRow[count] = slot;
            if (current.wants(i)) {
                wanted.set(wantedCount++, count);
            }
            count++;
        }
        pieceSequences.add(sequence);
        blocksPerSequence = Math.max(
                blocksPerSequence,
                Math.ceilDiv(sequence.length() + to, cache.blockTokens()));
    }

    void upload(Stream s) {
        ids.upload(s, count);
        positions.upload(s, count);
        kvSlots.upload(s, count);
        sequences.upload(s, count);
        if (!pieceSlots.isEmpty()) {
            adapters.upload(s, count);
        }
        if (wantedCount > 0) {
            wanted.upload(s, wantedCount);
        }
        uploadBlockTables(s);
    }

    private void uploadBlockTables(Stream s) {
        int elements = Math.multiplyExact(pieceSequences.size(), blocksPerSequence);
        blockTables.require(elements);
        int next = 0;
        for (KvSequence sequence : pieceSequences) {
            for (int i = 0; i < blocksPerSequence; i++) {
                // Entries past a sequence's end are never read; zero keeps them harmless.
                blockTables.set(next++, i < sequence.blockCount() ? sequence.block(i) : 0);
            }
        }
        blockTables.upload(s, elements);
    }

    int count() {
        return count;
    }

    int wantedCount() {
        return wantedCount;
    }

    int blocksPerSequence() {
        return blocksPerSequence;
    }

    Buffer ids() {
        return ids.buffer();
    }

    Buffer positions() {
        return positions.buffer();
    }

    Buffer kvSlots() {
        return kvSlots.buffer();
    }

    Buffer sequences() {
        return sequences.buffer();
    }

    Buffer blockTables() {
        return blockTables.buffer();
    }

    /** Returns the rows that need logits, [wantedCount] I32. */
    Buffer wanted() {
        return wanted.buffer();
    }

    /** Returns whether some row's adapter applies to the module. */
    boolean anyAdapter(int layer, Linear linear) {
        for (int slot = pieceSlots.nextSetBit(0); slot >= 0;
                slot = pieceSlots.nextSetBit(slot + 1)) {
            if (slots.applies(layer, linear, slot)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns each row's slot as far as its adapter applies to the module, [count] I32. Rows whose
     * adapter leaves the module alone count as bare, so that they keep their bits whoever is beside
     * them.
     */
    Buffer adapterSlots(Stream s, int layer, Linear linear) {
        if (appliesToAll(layer, linear)) {
            return adapters.buffer();
        }
        for (int i = 0; i < count; i++) {
            boolean applies = slots.applies(layer, linear, slotOfRow[i]);
            partialAdapters.set(i, applies ? slotOfRow[i] : AdapterSlots.BASE);
        }
        return partialAdapters.upload(s, count);
    }

    private boolean appliesToAll(int layer, Linear linear) {
        for (int slot = pieceSlots.nextSetBit(0); slot >= 0;
                slot = pieceSlots.nextSetBit(slot + 1)) {
            if (!slots.applies(layer, linear, slot)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        List.of(ids, positions, kvSlots, sequences, adapters, partialAdapters, wanted, blockTables)
                .forEach(StagedInts::close);
    }
}
