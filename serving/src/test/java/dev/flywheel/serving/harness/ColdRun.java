package dev.flywheel.serving.harness;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Probe;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What one version answers on its own: a pass, cache and slot that never held another one. */
public final class ColdRun implements AutoCloseable {
    private static final int BLOCK_TOKENS = 32;

    private final BaseModel base;
    private final AdapterSlots slots;
    private final KvCache cache;
    private final ForwardPass pass;
    private final int slot;

    /** @param weights null for the bare base model */
    public ColdRun(BaseModel base, @Nullable LoraWeights weights) {
        this.base = base;
        this.slots = new AdapterSlots(base, 1, Publisher.RANK);
        this.cache = new KvCache(base, 64, BLOCK_TOKENS);
        this.pass = new ForwardPass(base, slots, cache, 64);
        this.slot = weights == null ? AdapterSlots.BASE : slots.stage(weights);
    }

    /** Returns the fingerprint that a trainer would give with the version. */
    public String fingerprint() {
        return Probe.run(pass, cache, base.spec().vocabSize(), slot).fingerprint().hex();
    }

    /** Returns the most probable answer, token by token, without regard to end-of-text. */
    public List<Integer> greedy(int[] prompt, int tokens) {
        List<Integer> answer = new ArrayList<>();
        try (KvSequence sequence = cache.open()) {
            int[] next = prompt;
            while (answer.size() < tokens) {
                Logits logits =
                        pass.run(List.of(new Chunk(sequence, next, slot, Wanted.LAST)));
                answer.add(logits.argMax(0));
                next = new int[] {answer.getLast()};
            }
        }
        return answer;
    }

    /** Returns the difference of two tokens' logits after a text. */
    public double logOdds(int[] text, int accept, int reject) {
        try (KvSequence sequence = cache.open()) {
            Logits logits = pass.run(List.of(new Chunk(sequence, text, slot, Wanted.LAST)));
            return (double) logits.logit(0, accept) - logits.logit(0, reject);
        }
    }

    /** Returns the sum of the log-probabilities of a continuation's tokens. */
    public double logProb(int[] prompt, int[] continuation) {
        int[] text = IntStream.concat(IntStream.of(prompt), IntStream.of(continuation)).toArray();
        try (KvSequence sequence = cache.open()) {
            Logits logits = pass.run(List.of(new Chunk(sequence, text, slot, Wanted.ALL)));
            double sum = 0;
            for (int i = 0; i < continuation.length; i++) {
                sum += logits.logProb(prompt.length + i - 1, continuation[i]);
            }
            return sum;
        }
    }

    @Override
    public void close() {
        pass.close();
        cache.close();
        slots.close();
    }
}
