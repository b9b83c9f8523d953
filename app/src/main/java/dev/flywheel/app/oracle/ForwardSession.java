package dev.flywheel.app.oracle;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A base model, with an adapter or without, as serving runs it: ragged batches over a paged cache.
 *
 * <p>Not thread-safe; does not own the model.
 */
final class ForwardSession implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int ROWS_MAX = 128;

    /**
     * A continuation to decode greedily.
     *
     * @param stop token after which to stop, or -1
     */
    record Wish(int[] prompt, int tokensMax, int stop) {}

    /**
     * What was decoded.
     *
     * @param minMargin smallest gap between the two best scores
     */
    record Continuation(int[] ids, double minMargin) {}

    private final BaseModel model;
    private final AdapterSlots slots;
    private final int slot;

    ForwardSession(BaseModel model, @Nullable LoraWeights adapter) {
        this.model = model;
        this.slots = new AdapterSlots(
                model, 1, adapter == null ? 1 : adapter.config().rankMax());
        try {
            this.slot = adapter == null ? AdapterSlots.BASE : slots.stage(adapter);
        } catch (RuntimeException e) {
            slots.close();
            throw e;
        }
    }

    int vocabSize() {
        return model.spec().vocabSize();
    }

    int positionsMax() {
        return model.spec().positionsMax();
    }

    /** Returns the scores after every token of each prompt, all prompts in one batch. */
    List<float[][]> scores(List<int[]> prompts) {
        try (KvCache cache = cacheFor(prompts.stream().mapToInt(p -> p.length));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            List<Chunk> chunks = new ArrayList<>();
            for (int[] prompt : prompts) {
                chunks.add(new Chunk(cache.open(), prompt, slot, Wanted.ALL));
            }
            Logits logits = pass.run(chunks);
            List<float[][]> scores = new ArrayList<>();
            for (int i = 0; i < chunks.size(); i++) {
                float[][] rows = new float[prompts.get(i).length][];
                for (int row = 0; row < rows.length; row++) {
                    rows[row] = logits.copyRow(logits.firstRow(i) + row);
                }
                scores.add(rows);
            }
            chunks.forEach(chunk -> chunk.sequence().close());
            return scores;
        }
    }

    /** Returns the natural-log probability of each token of {@code continuation} after the prompt. */
    double[] logProbs(int[] prompt, int[] continuation) {
        int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(continuation)).toArray();
        try (KvCache cache = cacheFor(IntStream.of(all.length));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX);
                KvSequence sequence = cache.open()) {
            Logits logits = pass.run(List.of(new Chunk(sequence, all, slot, Wanted.ALL)));
            double[] logProbs = new double[continuation.length];
            for (int i = 0; i < logProbs.length; i++) {
                logProbs[i] = logits.logProb(
                        logits.firstRow(0) + prompt.length + i - 1, continuation[i]);
            }
            return logProbs;
        }
    }

    /** Decodes all wishes side by side, the first step a prefill of all prompts. */
    List<Continuation> decode(List<Wish> wishes) {
        try (KvCache cache = cacheFor(
                wishes.stream().mapToInt(wish -> wish.prompt().length + wish.tokensMax()));
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            List<Decoding> all = new ArrayList<>();
            wishes.forEach(wish -> all.add(new Decoding(wish, cache.open())));
            List<Decoding> live = all.stream().filter(d -> !d.done()).toList();
            while (!live.isEmpty()) {
                Logits logits = pass.run(live.stream().map(d -> d.chunk(slot)).toList());
                for (int i = 0; i < live.size(); i++) {
                    live.get(i).take(logits, logits.firstRow(i));
                }
                live = live.stream().filter(d -> !d.done()).toList();
            }
            all.forEach(d -> d.sequence.close());
            return all.stream().map(Decoding::result).toList();
        }
    }

    @Override
    public void close() {
        slots.close();
    }

    private KvCache cacheFor(IntStream lengths) {
        int blocks = lengths.map(length -> length / BLOCK_TOKENS + 1).sum();
        return new KvCache(model, Math.max(1, blocks), BLOCK_TOKENS);
    }

    /** One continuation on its way. */
    private static final class Decoding {
        private final Wish wish;
        private final KvSequence sequence;
        private final int[] ids;
        private int count;
        private double minMargin = Double.POSITIVE_INFINITY;

        Decoding(Wish wish, KvSequence sequence) {
            this.wish = wish;
            this.sequence = sequence;
            this.ids = new int[wish.tokensMax()];
        }

        Chunk chunk(int slot) {
            int[] next = count == 0 ? wish.prompt() : new int[] {ids[count - 1]};
            return new Chunk(sequence, next, slot, Wanted.LAST);
        }

        void take(Logits logits, int row) {
            int best = logits.argMax(row);
            float second = Float.NEGATIVE_INFINITY;
            for (int token = 0; token < logits.vocabSize(); token++) {
                if (token != best) {
                    second = Math.max(second, logits.logit(row, token));
                }
            }
            minMargin = Math.min(minMargin, (double) logits.logit(row, best) - second);
            ids[count++] = best;
        }

        boolean done() {
            return count == ids.length || (count > 0 && ids[count - 1] == wish.stop());
        }

        Continuation result() {
            return new Continuation(IntStream.of(ids).limit(count).toArray(), minMargin);
        }
    }
}
