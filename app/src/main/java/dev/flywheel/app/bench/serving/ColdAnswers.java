package dev.flywheel.app.bench.serving;

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
import dev.flywheel.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What a version answers by itself: on a cache of its own, which holds nothing of any other version or answer. Not thread-safe, and not
 * beside a node that uses the same model.
 */
public final class ColdAnswers implements AutoCloseable {
    private static final int BLOCK_TOKENS = 16;
    private static final int BLOCKS = 64;

    private final BaseModel base;
    private final Tokenizer tokenizer;
    private final AdapterSlots slots;
    private final KvCache cache;
    private final ForwardPass pass;

    public ColdAnswers(BaseModel base, Tokenizer tokenizer) {
        this.base = base;
        this.tokenizer = tokenizer;
        this.slots = new AdapterSlots(base, 1, SyntheticAdapters.RANK);
        this.cache = new KvCache(base, BLOCKS, BLOCK_TOKENS);
        this.pass = new ForwardPass(base, slots, cache, BLOCKS * BLOCK_TOKENS);
    }

    /** Returns the fingerprint that a trainer on this backend would give with the version. */
    public String fingerprint(LoraWeights weights) {
        int slot = slots.stage(weights);
        try {
            return Probe.run(pass, cache, base.spec().vocabSize(), slot).fingerprint().hex();
        } finally {
            slots.free(slot);
        }
    }

    /** Returns the most probable answers, token by token, without the token that ends one. */
    public List<List<Integer>> greedy(LoraWeights weights, List<String> prompts, int tokensMax) {
        int slot = slots.stage(weights);
        try {
            return prompts.stream()
                    .map(prompt -> greedy(slot, tokenizer.encode(prompt), tokensMax))
                    .toList();
        } finally {
            slots.free(slot);
        }
    }

    private List<Integer> greedy(int slot, int[] prompt, int tokensMax) {
        Set<Integer> ends = Set.copyOf(tokenizer.eosIds());
        List<Integer> answer = new ArrayList<>();
        try (KvSequence sequence = cache.open()) {
            int[] next = prompt;
            while (answer.size() < tokensMax) {
                Logits logits = pass.run(List.of(new Chunk(sequence, next, slot, Wanted.LAST)));
                int id = logits.argMax(0);
                if (ends.contains(id)) {
                    break;
                }
                answer.add(id);
                next = new int[] {id};
            }
        }
        return answer;
    }

    @Override
    public void close() {
        pass.close();
        cache.close();
        slots.close();
    }
}
