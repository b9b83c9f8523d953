package dev.flywheel.engine.lora;

import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.backend.Stream;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.Linear;
import dev.flywheel.engine.model.ModelSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * Device memory for {@code slots} adapters of rank up to {@code rankMax}, on every linear module.
 *
 * <p>Everything is allocated once. A slot is staged while no batch uses it and stays unchanged until
 * it is freed, so batches over other slots run meanwhile. Thread-safe under that rule: staging and
 * freeing lock, a batch does not.
 */
public final class AdapterSlots implements AutoCloseable {
    /** The slot of rows without an adapter. */
    public static final int BASE = -1;

    private final ModelSpec spec;
    private final Backend backend;
    private final int slots;
    private final int rankMax;
    private final Map<String, LoraStack> stacks = new HashMap<>();
    private final @Nullable LoraStack[][] byLayer;
    /** Slots that hold an adapter or are being filled with one. */
    private final BitSet taken = new BitSet();
    /** 1 for those that hold one: batches look here, and never wait for a copy that is being made. */
    private final AtomicIntegerArray staged;

    public AdapterSlots(BaseModel model, int slots, int rankMax) {
        if (slots < 1 || rankMax < 1) {
            throw new IllegalArgumentException(
                    "adapter slots " + slots + ", rank max " + rankMax
                            + "; expected at least 1 each");
        }
        this.spec = model.spec();
        this.backend = model.backend();
        this.slots = slots;
        this.rankMax = rankMax;
        this.staged = new AtomicIntegerArray(slots);
        this.byLayer = new @Nullable LoraStack[spec.layers()][Linear.ALL.size()];
        for (int layer = 0; layer < spec.layers(); layer++) {
            for (Linear linear : Linear.of(spec, layer)) {
                LoraStack stack = allocate(linear);
                byLayer[layer][linear.ordinal()] = stack;
                stacks.put(linear.module(layer), stack);
            }
        }
    }

    public int slots() {
        return slots;
    }

    public int rankMax() {
        return rankMax;
    }

    public synchronized int freeSlots() {
        return slots - taken.cardinality();
    }

    /**
     * Copies an adapter into a free slot and returns the slot.
     *
     * @throws SlotsFullException if none is free
     * @throws IllegalArgumentException if a module or shape is not the base model's, or the rank is too
     *     large; the slot stays free
     */
    public int stage(LoraWeights weights) {
        weights.pairs().values().forEach(this::requireFits);
        int slot = take();
        boolean copied = false;
        try {
            copy(weights, slot);
            staged.set(slot, 1);
            copied = true;
        } finally {
            if (!copied) {
                giveBack(slot);
            }
        }
        return slot;
    }

    private synchronized int take() {
        int slot = taken.nextClearBit(0);
        if (slot >= slots) {
            throw new SlotsFullException(slots);
        }
        taken.set(slot);
        return slot;
    }

    private synchronized void giveBack(int slot) {
        taken.clear(slot);
    }

    private void copy(LoraWeights weights, int slot) {
        try (Stream s = backend.stream(Stream.Priority.SERVING)) {
            stacks.forEach((module, stack) -> {
                LoraPair pair = weights.pairs().get(module);
                stack.present()[slot] = pair != null;
                if (pair != null) {
                    upload(s, stack, slot, pair, weights.config().scaleOf(module));
                }
            });
            s.synchronize();
        }
    }

    /** Gives a slot back; no batch may use it any more. */
    public synchronized void free(int slot) {
        if (!isStaged(slot)) {
            throw new IllegalArgumentException("slot " + slot + " is not taken");
        }
        staged.set(slot, 0);
        taken.clear(slot);
    }

    /** Returns whether the slot holds an adapter. */
    public boolean isStaged(int slot) {
        return slot >= 0 && slot < slots && staged.get(slot) == 1;
    }

    /** Returns whether the slot's adapter applies to the module. */
    public boolean applies(int layer, Linear linear, int slot) {
        @Nullable LoraStack stack = byLayer[layer][linear.ordinal()];
        return slot >= 0 && stack != null && stack.present()[slot];
    }

    /**
     * y += scale * B(A x) for the rows of each slot.
     *
     * @param shrunk scratch [rows, rankMax]
     * @param rowSlots [rows] I32, {@link #BASE} for rows to leave alone
     */
    public void apply(
            Stream s, int layer, Linear linear, Buffer y, Buffer x, Buffer shrunk, Buffer rowSlots,
            int rows) {
        LoraStack stack = Objects.requireNonNull(byLayer[layer][linear.ordinal()]);
        backend.loraShrink(s, shrunk, x, stack.a(), rowSlots, rows, stack.in(), rankMax);
        backend.loraExpand(
                s, y, shrunk, stack.b(), stack.scales(), rowSlots, rows, rankMax, stack.out());
    }

    @Override
    public void close() {
        stacks.values().forEach(LoraStack::close);
    }

    private LoraStack allocate(Linear linear) {
        int in = linear.in(spec);
        int out = linear.out(spec);
        return new LoraStack(
                backend.allocate(DType.F32, (long) slots * rankMax * in),
                backend.allocate(DType.F32, (long) slots * out * rankMax),
                backend.allocate(DType.F32, slots),
                new boolean[slots],
                in,
                out);
    }

    private void requireFits(LoraPair pair) {
        LoraStack stack = stacks.get(pair.module());
        if (stack == null) {
            throw new IllegalArgumentException(
                    "the adapter has module " + pair.module() + ", which the base model lacks");
        }
        if (stack.in() != pair.inFeatures() || stack.out() != pair.outFeatures()) {
            throw new IllegalArgumentException(
                    pair.module() + " maps " + pair.inFeatures() + " to " + pair.outFeatures()
                            + " features in the adapter, " + stack.in() + " to " + stack.out()
                            + " in the base model");
        }
        if (pair.rank() > rankMax) {
            throw new IllegalArgumentException(
                    pair.module() + " has rank " + pair.rank()
                            + ", the engine was started with at most "
                            + rankMax);
        }
    }

    private void upload(Stream s, LoraStack stack, int slot, LoraPair pair, double scale) {
        try (Arena host = Arena.ofConfined()) {
            long elementsA = (long) rankMax * stack.in();
            MemorySegment a = host.allocate(ValueLayout.JAVA_FLOAT, elementsA);
            MemorySegment.copy(pair.a(), 0, a, ValueLayout.JAVA_FLOAT, 0, pair.a().length);
            backend.upload(s, a, stack.a().slice(slot * elementsA, elementsA));
            long elementsB = (long) stack.out() * rankMax;
            MemorySegment b = host.allocate(ValueLayout.JAVA_FLOAT, elementsB);
            for (int row = 0; row < stack.out(); row++) {
                MemorySegment.copy(
                        pair.b(), row * pair.rank(), b, ValueLayout.JAVA_FLOAT,
                        (long) row * rankMax * Float.BYTES, pair.rank());
            }
            backend.upload(s, b, stack.b().slice(slot * elementsB, elementsB));
            backend.settle(stack.a().slice(slot * elementsA, elementsA));
            backend.settle(stack.b().slice(slot * elementsB, elementsB));
            MemorySegment one = host.allocateFrom(ValueLayout.JAVA_FLOAT, (float) scale);
            backend.upload(s, one, stack.scales().slice(slot, 1));
            s.synchronize();
        }
    }
}
