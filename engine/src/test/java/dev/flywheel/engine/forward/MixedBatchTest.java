package dev.flywheel.engine.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.Family;
import dev.flywheel.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever prompts, lengths, pieces and adapters share a ragged batch, each row has the bits it has
 * alone. {@code -Dflywheel.seed} replays one seed.
 */
class MixedBatchTest {
    private static final int SEEDS = 6;
    private static final int SEQUENCES_MAX = 6;
    private static final int TOKENS_MAX = 24;
    private static final int BLOCK_TOKENS = 4;
    private static final int ROWS_MAX = 11; // batches run in several pieces

    @TempDir Path folder;

    static Stream<Arguments> familiesOnBackends() {
        List<Arguments> all = new ArrayList<>();
        for (String backend : List.of("reference", "cpu")) {
            for (Family family : Family.values()) {
                all.add(Arguments.of(family, backend));
            }
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("familiesOnBackends")
    void eachRowHasTheBitsItHasAlone(Family family, String name) {
        Long replayed = Long.getLong("flywheel.seed");
        try (Backend backend = Backends.open(name, 2);
                BaseModel model = TinyModels.load(folder, backend, TinyModels.of(family), 3);
                AdapterSlots slots = new AdapterSlots(model, 3, 4);
                KvCache cache = new KvCache(model, 64, BLOCK_TOKENS);
                ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
            slots.stage(TinyModels.adapter(model, 4, 1, "q_proj", "v_proj"));
            slots.stage(TinyModels.adapter(model, 1, 2, "o_proj", "k_proj"));
            slots.stage(TinyModels.adapter(model, 2, 3, family == Family.MIXTRAL ? "v_proj"
                    : "down_proj"));
            for (long seed = 1; seed <= SEEDS; seed++) {
                long chosen = replayed == null ? seed : replayed;
                check(pass, cache, model.spec().vocabSize(), chosen);
                assertThat(cache.freeBlocks()).isEqualTo(cache.capacityBlocks());
            }
        }
    }

    /** Draws sequences, runs them alone token by token and together in drawn pieces. */
    private static void check(ForwardPass pass, KvCache cache, int vocab, long seed) {
        SeededRandom random = new SeededRandom(seed);
        int count = 1 + random.nextInt(SEQUENCES_MAX);
        List<int[]> texts = new ArrayList<>();
        List<Integer> slots = new ArrayList<>();
        List<float[][]> alone = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] text = new int[1 + random.nextInt(TOKENS_MAX)];
            Arrays.setAll(text, t -> random.nextInt(vocab));
            texts.add(text);
            slots.add(random.nextInt(4) - 1);
            alone.add(alone(pass, cache, text, slots.get(i)));
        }
        List<KvSequence> sequences = texts.stream().map(text -> cache.open()).toList();
        while (true) {
            List<Chunk> chunks = new ArrayList<>();
            List<Integer> owners = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int from = sequences.get(i).length();
                int left = texts.get(i).length - from;
                int take = Math.min(left, random.nextInt(2) == 0 ? 1 : 1 + random.nextInt(9));
                if (take > 0) {
                    int[] tokens = Arrays.copyOfRange(texts.get(i), from, from + take);
                    chunks.add(new Chunk(sequences.get(i), tokens, slots.get(i), Wanted.ALL));
                    owners.add(i);
                }
            }
            if (chunks.isEmpty()) {
                break;
            }
            requireSame(pass.run(chunks), chunks, owners, alone, seed);
        }
        sequences.forEach(KvSequence::close);
    }

    private static float[][] alone(ForwardPass pass, KvCache cache, int[] text, int slot) {
        float[][] rows = new float[text.length][];
        try (KvSequence sequence = cache.open()) {
            for (int t = 0; t < text.length; t++) {
                int[] token = {text[t]};
                rows[t] = pass.run(List.of(new Chunk(sequence, token, slot, Wanted.LAST)))
                        .copyRow(0);
            }
        }
        return rows;
    }

    private static void requireSame(
            Logits logits, List<Chunk> chunks, List<Integer> owners, List<float[][]> alone,
            long seed) {
        for (int c = 0; c < chunks.size(); c++) {
            int tokens = chunks.get(c).tokens().length;
            int first = chunks.get(c).sequence().length() - tokens;
            for (int t = 0; t < tokens; t++) {
                assertThat(logits.copyRow(logits.firstRow(c) + t))
                        .as("seed %d, sequence %d, token %d", seed, owners.get(c), first + t)
                        .isEqualTo(alone.get(owners.get(c))[first + t]);
            }
        }
    }
}
