package dev.flywheel.engine.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KvCacheTest {
    private static final int BLOCKS = 10;
    private static final int BLOCK_TOKENS = 4;
    private static final long SEED = 3;

    @TempDir Path folder;
    private Backend backend;
    private BaseModel model;
    private KvCache cache;

    @BeforeEach
    void open() {
        backend = Backends.open("reference", 1);
        model = TinyModels.load(folder, backend, TinyModels.llama(), SEED);
        cache = new KvCache(model, BLOCKS, BLOCK_TOKENS);
    }

    @AfterEach
    void close() {
        cache.close();
        model.close();
        backend.close();
    }

    private KvSequence grown(int tokens) {
        KvSequence sequence = cache.open();
        grow(sequence, tokens);
        return sequence;
    }

    private void grow(KvSequence sequence, int tokens) {
        cache.reserve(List.of(sequence), new int[] {tokens});
        sequence.advance(new int[tokens]);
    }

    @Test
    void aSequenceTakesWholeBlocksAndGivesAllOfThemBack() {
        KvSequence sequence = grown(5);
        assertThat(sequence.blockCount()).isEqualTo(2);
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 2);
        grow(sequence, 3);
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 2);
        sequence.close();
        sequence.close();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS);
    }

    @Test
    void aForkSharesFullBlocksAndOwnsThePartialOne() {
        KvSequence prefix = grown(2 * BLOCK_TOKENS + 1);
        KvSequence fork = prefix.fork();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 4);
        assertThat(fork.block(0)).isEqualTo(prefix.block(0));
        assertThat(fork.block(1)).isEqualTo(prefix.block(1));
        assertThat(fork.block(2)).isNotEqualTo(prefix.block(2));
        prefix.close();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 3);
        fork.close();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS);
    }

    @Test
    void aForkAtABlocksEndCopiesNothing() {
        KvSequence prefix = grown(BLOCK_TOKENS);
        KvSequence fork = prefix.fork();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 1);
        grow(fork, 1);
        assertThat(fork.block(1)).isNotEqualTo(fork.block(0));
        assertThat(prefix.blockCount()).isEqualTo(1);
    }

    @Test
    void aBatchThatDoesNotFitTakesNothing() {
        KvSequence first = grown(1);
        KvSequence second = cache.open();
        assertThatThrownBy(() -> cache.reserve(
                List.of(first, second),
                new int[] {4 * BLOCK_TOKENS, 6 * BLOCK_TOKENS}))
                .isInstanceOf(KvCacheFullException.class)
                .hasMessageContaining("needs 10 more blocks, 9 are free");
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 1);
        assertThat(first.blockCount()).isEqualTo(1);
    }

    @Test
    void aForkThatDoesNotFitTakesNothing() {
        KvSequence big = grown(BLOCKS * BLOCK_TOKENS - 1);
        assertThatThrownBy(big::fork).isInstanceOf(KvCacheFullException.class);
        big.close();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS);
    }

    @Test
    void aClosedSequenceCannotGrow() {
        KvSequence sequence = grown(1);
        sequence.close();
        assertThatThrownBy(() -> grow(sequence, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(sequence::fork).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whateverHappensNoBlockIsLostAndNoPartialBlockIsShared() {
        SeededRandom random = new SeededRandom(SEED);
        List<KvSequence> open = new ArrayList<>();
        for (int step = 0; step < 5_000; step++) {
            try {
                int what = random.nextInt(4);
                if (what == 0 || open.isEmpty()) {
                    open.add(cache.open());
                } else if (what == 1) {
                    open.add(random.pick(open).fork());
                } else if (what == 2) {
                    grow(random.pick(open), 1 + random.nextInt(6));
                } else {
                    open.remove(random.nextInt(open.size())).close();
                }
            } catch (KvCacheFullException e) {
                open.remove(random.nextInt(open.size())).close();
            }
            assertAccounts(open, step);
        }
    }

    private void assertAccounts(List<KvSequence> open, int step) {
        Set<Integer> used = new HashSet<>();
        Set<Integer> partial = new HashSet<>();
        for (KvSequence sequence : open) {
            for (int i = 0; i < sequence.blockCount(); i++) {
                used.add(sequence.block(i));
            }
            if (sequence.length() % BLOCK_TOKENS != 0) {
                assertThat(partial.add(sequence.block(sequence.blockCount() - 1)))
                        .as("seed %s, step %s: a partial block is shared", SEED, step)
                        .isTrue();
            }
        }
        assertThat(cache.freeBlocks()).as("seed %s, step %s", SEED, step)
                .isEqualTo(BLOCKS - used.size());
    }

    private static final PrefixKey KEY = key("tenant", "base", "v1");

    private static PrefixKey key(String tenant, String base, String version) {
        return PrefixKey.of(tenant, base, version, new byte[] {1});
    }

    private static int[] text(int tokens) {
        return IntStream.range(0, tokens).toArray();
    }

    private KvSequence read(PrefixKey key, int[] tokens) {
        KvSequence sequence = cache.open(key, tokens);
        int[] rest = Arrays.copyOfRange(tokens, sequence.length(), tokens.length);
        cache.reserve(List.of(sequence), new int[] {rest.length});
        sequence.advance(rest);
        return sequence;
    }

    @Test
    void whatOneSequenceHasReadTheNextOfItsKeyBeginsWith() {
        int[] tokens = text(2 * BLOCK_TOKENS + 1);
        KvSequence first = read(KEY, tokens);
        try (KvSequence second = cache.open(KEY, tokens)) {
            assertThat(second.length()).isEqualTo(2 * BLOCK_TOKENS);
            assertThat(second.block(0)).isEqualTo(first.block(0));
            assertThat(second.block(1)).isEqualTo(first.block(1));
        }
        first.close();
        assertThat(cache.freeBlocks()).isEqualTo(BLOCKS);
        try (KvSequence later = cache.open(KEY, tokens)) {
            assertThat(later.length()).isEqualTo(2 * BLOCK_TOKENS);
            assertThat(cache.freeBlocks()).isEqualTo(BLOCKS - 2);
        }
    }

    @Test
    void oneTokenIsAlwaysLeftToBeRead() {
        int[] tokens = text(2 * BLOCK_TOKENS);
        read(KEY, tokens).close();
        try (KvSequence again = cache.open(KEY, tokens)) {
            assertThat(again.length()).isEqualTo(BLOCK_TOKENS);
        }
    }

    @Test
    void anotherTenantVersionBaseOrTextSharesNothing() {
        int[] tokens = text(2 * BLOCK_TOKENS + 1);
        read(KEY, tokens).close();
        for (PrefixKey other : List.of(key("tenan", "tbase", "v1"),
                key("other", "base", "v1"), key("tenant", "base", "v2"),
                key("tenant", "other", "v1"), key("tenant", "base", ""),
                PrefixKey.of("tenant", "base", "v1", new byte[] {2}))) {
            try (KvSequence sequence = cache.open(other, tokens)) {
                assertThat(sequence.length()).isZero();
            }
        }
        int[] changed = tokens.clone();
        changed[0]++;
        try (KvSequence sequence = cache.open(KEY, changed)) {
            assertThat(sequence.length()).isZero();
        }
    }

    @Test
    void prefixesGiveWayToSequencesTheLongestUnusedAndTheirEndsFirst() {
        int[] old = text(2 * BLOCK_TOKENS + 1);
        int[] young = IntStream.range(100, 100 + BLOCK_TOKENS + 1).toArray();
        read(KEY, old).close();
        read(KEY, young).close();
        try (KvSequence large = grown((BLOCKS - 2) * BLOCK_TOKENS);
                KvSequence left = cache.open(KEY, old);
                KvSequence right = cache.open(KEY, young)) {
            assertThat(large.blockCount()).isEqualTo(BLOCKS - 2);
            assertThat(left.length()).isEqualTo(BLOCK_TOKENS);
            assertThat(right.length()).isEqualTo(BLOCK_TOKENS);
        }
    }

    @Test
    void aForksOwnTokensAreNotShared() {
        int[] tokens = text(BLOCK_TOKENS);
        KvSequence stem = read(KEY, tokens);
        KvSequence fork = stem.fork();
        cache.reserve(List.of(fork), new int[] {BLOCK_TOKENS});
        fork.advance(text(BLOCK_TOKENS));
        fork.close();
        stem.close();
        int[] both = Arrays.copyOf(tokens, 2 * BLOCK_TOKENS + 1);
        System.arraycopy(text(BLOCK_TOKENS), 0, both, BLOCK_TOKENS, BLOCK_TOKENS);
        try (KvSequence sequence = cache.open(KEY, both)) {
            assertThat(sequence.length()).isEqualTo(BLOCK_TOKENS);
        }
    }
}
