package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** The curve of decode pace over rows of a step: the same steps without an adapter, with one, and with one for each row, in turns. */
public final class BatchBench {
    private static final List<Integer> ROWS = List.of(1, 2, 4, 8, 16, 32);
    private static final int SLOTS = 32;
    private static final int BLOCK_TOKENS = 16;
    private static final int CONTEXT = 64;
    private static final int STEPS = 16;
    /** Of a step that is bound by reading the weights, twice the pace is the least that batches are for. */
    private static final double RATIO_LEAST = 2;
    private static final double ADAPTER_RATIO_LEAST = 0.9;

    private final Path model;
    private final String shape;
    private final int threads;
    private final int runs;
    private final long seed;
    private final LongSupplier nanos;

    /**
     * @param shape what the model is called
     * @param nanos a monotonic clock
     */
    public BatchBench(Path model, String shape, int threads, int runs, long seed,
            LongSupplier nanos) {
        this.model = model;
        this.shape = shape;
        this.threads = threads;
        this.runs = runs;
        this.seed = seed;
        this.nanos = nanos;
    }

    /** Returns how many measurements there are. */
    public int total() {
        return ROWS.size() * runs;
    }

    /** @param progress is told how many measurements are done */
    public BatchReport run(LongConsumer progress) {
        try (Backend backend = Backends.open("cpu", threads);
                BaseModel base = BaseModel.load(model, backend);
                AdapterSlots slots = new AdapterSlots(base, SLOTS, SyntheticAdapters.RANK);
                KvCache cache = new KvCache(base, SLOTS * (CONTEXT + STEPS + BLOCK_TOKENS)
                        / BLOCK_TOKENS, BLOCK_TOKENS);
                ForwardPass pass = new ForwardPass(base, slots, cache, SLOTS * CONTEXT)) {
            backend.warmUp();
            stage(base, slots);
            return measure(new Decoder(pass, cache, base.spec().vocabSize()), progress);
        }
    }

    private void stage(BaseModel base, AdapterSlots slots) {
        SyntheticAdapters adapters = new SyntheticAdapters(base, 0.02);
        for (int i = 0; i < SLOTS; i++) {
            var unused = slots.stage(adapters.weights(seed + i));
        }
    }

    private BatchReport measure(Decoder decoder, LongConsumer progress) {
        List<BatchReport.Row> rows = new ArrayList<>();
        for (int count : ROWS) {
            double unused = decoder.tokensPerSecond(count, row -> row); // kernels compile
            List<Double> none = new ArrayList<>();
            List<Double> one = new ArrayList<>();
            List<Double> each = new ArrayList<>();
            for (int run = 0; run < runs; run++) {
                none.add(decoder.tokensPerSecond(count, row -> AdapterSlots.BASE));
                one.add(decoder.tokensPerSecond(count, row -> 0));
                each.add(decoder.tokensPerSecond(count, row -> row));
                progress.accept((long) rows.size() * runs + run + 1);
            }
            rows.add(new BatchReport.Row(count, Medians.of(none), Medians.of(one),
                    Medians.of(each), none, one, each));
        }
        return new BatchReport(shape, threads, CONTEXT, STEPS, rows,
                rows.getLast().none() / rows.getFirst().none(), RATIO_LEAST,
                rows.stream().mapToDouble(BatchReport.Row::oneRatio).min().orElse(0),
                ADAPTER_RATIO_LEAST);
    }

    /** Decodes greedily, as an engine does, a step for all rows at a time. */
    private final class Decoder {
        private final ForwardPass pass;
        private final KvCache cache;
        private final int vocabSize;

        Decoder(ForwardPass pass, KvCache cache, int vocabSize) {
            this.pass = pass;
            this.cache = cache;
            this.vocabSize = vocabSize;
        }

        double tokensPerSecond(int rows, IntUnaryOperator slotOfRow) {
            List<KvSequence> sequences = new ArrayList<>();
            try {
                int[] last = new int[rows];
                for (int row = 0; row < rows; row++) {
                    sequences.add(cache.open());
                    last[row] = read(sequences.get(row), slotOfRow.applyAsInt(row), row);
                }
                long before = nanos.getAsLong();
                for (int step = 0; step < STEPS; step++) {
                    decode(sequences, last, slotOfRow);
                }
                return rows * STEPS * 1e9 / (nanos.getAsLong() - before);
            } finally {
                sequences.forEach(KvSequence::close);
            }
        }

        private int read(KvSequence sequence, int slot, int row) {
            SeededRandom random = new SeededRandom(seed + row);
            int[] prompt = new int[CONTEXT];
            for (int i = 0; i < CONTEXT; i++) {
                prompt[i] = random.nextInt(vocabSize);
            }
            return pass.run(List.of(new Chunk(sequence, prompt, slot, Wanted.LAST))).argMax(0);
        }

        private void decode(List<KvSequence> sequences, int[] last, IntUnaryOperator slotOfRow) {
            List<Chunk> chunks = new ArrayList<>();
            for (int row = 0; row < last.length; row++) {
                chunks.add(new Chunk(sequences.get(row), new int[] {last[row]},
                        slotOfRow.applyAsInt(row), Wanted.LAST));
            }
            Logits logits = pass.run(chunks);
            for (int row = 0; row < last.length; row++) {
                last[row] = logits.argMax(logits.firstRow(row));
            }
        }
    }
}
