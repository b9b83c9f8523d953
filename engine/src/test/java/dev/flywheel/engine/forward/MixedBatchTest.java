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
import dev.flywheel.engine.model.WeightFormat;
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
 * Whatever prompts, lengths, pieces, forks and adapters share a ragged batch, each row has the bits it
 * has alone, and so the same greedy token. {@code -Dflywheel.seed} replays one seed.
 */
class MixedBatchTest {
    private static final int SEEDS = 6;
    private static final int SEQUENCES_MAX = 6;
    private static final int FORKS_MAX = 5;
    private static final int TOKENS_MAX = 24;
    private static final int BLOCK_TOKENS = 4;
    private static final int ROWS_MAX = 11; // batches run in several pieces

    @TempDir Path folder;

    static Stream<Arguments> basesOnBackends() {
        List<Arguments> all = new ArrayList<>();
        for (String backend : List.of("reference", "cpu")) {
            for (Family family : Family.values()) {
                for (WeightFormat format : WeightFormat.values()) {
                    all.add(Arguments.of(family, format, backend));
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} as {1} on {2}")
    @MethodSource("basesOnBackends")
    void eachRowHasTheBitsItHasAlone(Family family, WeightFormat format, String name) {
        Long replayed = Long.getLong("flywheel.seed");
        try (Backend backend = Backends.open(name, 2)) {
            TinyModels.load(folder, backend, TinyModels.of(family), 3).close();
            try (BaseModel model = BaseModel.load(folder, backend, format);
                    AdapterSlots slots = new AdapterSlots(model, 3, 4);
                    KvCache cache = new KvCache(model, 128, BLOCK_TOKENS);
                    ForwardPass pass = new ForwardPass(model, slots, cache, ROWS_MAX)) {
                slots.stage(TinyModels.adapter(model, 4, 1, "q_proj", "v_proj"));
                slots.stage(TinyModels.adapter(model, 1, 2, "o_proj", "k_proj"));
                slots.stage(TinyModels.adapter(model, 2, 3, family == Family.MIXTRAL ? "v_proj"
                        : "down_proj"));
                for (long seed = 1; seed <= SEEDS; seed++) {
                    long chosen = replayed == null ? seed : replayed;
                    new Mix(pass, cache, model.spec().vocabSize(), chosen).run();
                    assertThat(cache.freeBlocks()).isEqualTo(cache.capacityBlocks());
                }
            }
        }
    }

    /** A text on its way, with the scores its tokens have when nothing else is run beside them. */
    private record Reading(KvSequence sequence, int[] text, int slot, float[][] alone) {
        int left() {
            return text.length - sequence.length();
        }
    }

    /** Texts drawn from a seed, read in pieces; some go on from where another is, some are given up. */
    private static final class Mix {
        private final ForwardPass pass;
        private final KvCache cache;
        private final int vocab;
        private final long seed;
        private final SeededRandom random;
        private final List<Reading> readings = new ArrayList<>();

        Mix(ForwardPass pass, KvCache cache, int vocab, long seed) {
            this.pass = pass;
            this.cache = cache;
            this.vocab = vocab;
            this.seed = seed;
            this.random = new SeededRandom(seed);
        }

        void run() {
            int count = 1 + random.nextInt(SEQUENCES_MAX);
            for (int i = 0; i < count; i++) {
                add(cache.open(), tokens(TOKENS_MAX), random.nextInt(4) - 1);
            }
            for (int forks = 0; readings.stream().anyMatch(reading -> reading.left() > 0);) {
                step();
                if (forks < FORKS_MAX && random.nextInt(3) > 0) {
                    forks++;
                    fork(random.pick(readings));
                }
            }
            readings.forEach(reading -> reading.sequence().close());
        }

        /** Goes on otherwise from where a text is; what it was read with stays what it is. */
        private void fork(Reading parent) {
            int[] tail = tokens(TOKENS_MAX / 2);
            int[] text = Arrays.copyOf(parent.text(), parent.sequence().length() + tail.length);
            System.arraycopy(tail, 0, text, parent.sequence().length(), tail.length);
            add(parent.sequence().fork(), text, parent.slot());
            if (random.nextInt(4) == 0) {
                parent.sequence().close();
                readings.remove(parent);
            }
        }

        private void add(KvSequence sequence, int[] text, int slot) {
            readings.add(new Reading(sequence, text, slot, alone(text, slot)));
        }

        private int[] tokens(int max) {
            int[] tokens = new int[1 + random.nextInt(max)];
            Arrays.setAll(tokens, t -> random.nextInt(vocab));
            return tokens;
        }

        private float[][] alone(int[] text, int slot) {
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

        /** Reads on, some texts by one token as in decoding, some by a piece of a prompt. */
        private void step() {
            List<Chunk> chunks = new ArrayList<>();
            List<Reading> owners = new ArrayList<>();
            for (Reading reading : readings) {
                int from = reading.sequence().length();
                int take = Math.min(reading.left(),
                        random.nextInt(2) == 0 ? 1 : 1 + random.nextInt(9));
                if (take > 0) {
                    int[] tokens = Arrays.copyOfRange(reading.text(), from, from + take);
                    chunks.add(new Chunk(reading.sequence(), tokens, reading.slot(),
                            random.pick(List.of(Wanted.values()))));
                    owners.add(reading);
                }
            }
            if (!chunks.isEmpty()) {
                requireSame(pass.run(chunks), chunks, owners);
            }
        }

        private void requireSame(Logits logits, List<Chunk> chunks, List<Reading> owners) {
            int row = 0;
            for (int c = 0; c < chunks.size(); c++) {
                Reading reading = owners.get(c);
                int end = reading.sequence().length();
                int rows = switch (chunks.get(c).wanted()) {
                    case NONE -> 0;
                    case LAST -> 1;
                    case ALL -> chunks.get(c).tokens().length;
                };
                assertThat(logits.firstRow(c)).isEqualTo(row);
                for (int at = end - rows; at < end; at++) {
                    assertThat(logits.copyRow(row++)).as("seed %d, text %s, token %d", seed,
                            Arrays.toString(reading.text()), at).isEqualTo(reading.alone()[at]);
                }
            }
            assertThat(logits.rows()).isEqualTo(row);
        }
    }
}
