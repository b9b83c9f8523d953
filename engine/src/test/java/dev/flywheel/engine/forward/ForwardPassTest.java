package dev.flywheel.engine.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvCacheFullException;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"reference", "cpu"})
class ForwardPassTest {
    private static final int[] TOKENS = {1, 7, 9, 4, 12, 30, 0, 3, 3, 8, 21};

    @Parameter String backendName;

    @TempDir Path folder;
    private Backend backend;
    private BaseModel model;
    private AdapterSlots slots;
    private KvCache cache;
    private ForwardPass pass;

    @BeforeEach
    void open() {
        backend = Backends.open(backendName, 2);
        model = TinyModels.load(folder, backend, TinyModels.llama(), 5);
        slots = new AdapterSlots(model, 1, 2);
        cache = new KvCache(model, 24, 4);
        // Pieces of seven rows, logits in chunks of three.
        pass = new ForwardPass(model, slots, cache, 7, 3 * model.spec().vocabSize());
    }

    @AfterEach
    void close() {
        pass.close();
        cache.close();
        slots.close();
        model.close();
        backend.close();
    }

    private static Chunk base(KvSequence sequence, int[] tokens, Wanted wanted) {
        return new Chunk(sequence, tokens, AdapterSlots.BASE, wanted);
    }

    private List<float[]> rowsAlone() {
        try (KvSequence sequence = cache.open()) {
            List<float[]> rows = new ArrayList<>();
            for (int token : TOKENS) {
                rows.add(pass.run(List.of(base(sequence, new int[] {token}, Wanted.LAST)))
                        .copyRow(0));
            }
            return rows;
        }
    }

    @Test
    void aBatchBeyondTheRowsOfAPassGivesTheBitsOfTokenByTokenDecoding() {
        List<float[]> expected = rowsAlone();
        try (KvSequence a = cache.open();
                KvSequence b = cache.open();
                KvSequence c = cache.open()) {
            Logits logits = pass.run(List.of(
                    base(a, TOKENS, Wanted.ALL), base(b, TOKENS, Wanted.NONE),
                    base(c, TOKENS, Wanted.LAST)));
            assertThat(logits.rows()).isEqualTo(TOKENS.length + 1);
            assertThat(logits.firstRow(2)).isEqualTo(TOKENS.length);
            for (int i = 0; i < TOKENS.length; i++) {
                assertThat(logits.copyRow(i)).as("row %s", i).isEqualTo(expected.get(i));
            }
            assertThat(logits.copyRow(TOKENS.length)).isEqualTo(expected.getLast());
            assertThat(List.of(a.length(), b.length(), c.length())).containsOnly(TOKENS.length);
        }
    }

    @Test
    void forksContinueTheirPrefixEachOnItsOwn() {
        List<float[]> expected = rowsAlone();
        try (KvSequence prefix = cache.open()) {
            pass.run(List.of(base(prefix, new int[] {1, 7, 9, 4, 12, 30}, Wanted.NONE)));
            try (KvSequence same = prefix.fork(); KvSequence other = prefix.fork()) {
                Logits logits = pass.run(List.of(
                        base(other, new int[] {5, 5, 5, 5, 5}, Wanted.NONE),
                        base(same, new int[] {0, 3, 3, 8, 21}, Wanted.ALL)));
                for (int i = 0; i < 5; i++) {
                    assertThat(logits.copyRow(i)).isEqualTo(expected.get(6 + i));
                }
                assertThat(prefix.length()).isEqualTo(6);
            }
        }
    }

    @Test
    void logProbabilitiesAreNormalized() {
        try (KvSequence sequence = cache.open()) {
            Logits logits = pass.run(List.of(base(sequence, TOKENS, Wanted.LAST)));
            double sum = 0;
            for (int token = 0; token < logits.vocabSize(); token++) {
                sum += Math.exp(logits.logProb(0, token));
            }
            assertThat(sum).isCloseTo(1, Offset.offset(1e-6));
        }
    }

    @Test
    void aBatchThatDoesNotFitTheCacheChangesNoSequence() {
        try (KvSequence a = cache.open(); KvSequence b = cache.open()) {
            pass.run(List.of(base(a, TOKENS, Wanted.NONE)));
            int[] many = new int[60];
            assertThatThrownBy(() -> pass.run(List.of(
                    base(a, new int[40], Wanted.NONE), base(b, many, Wanted.LAST))))
                    .isInstanceOf(KvCacheFullException.class);
            assertThat(a.length()).isEqualTo(TOKENS.length);
            assertThat(b.length()).isZero();
            assertThat(cache.freeBlocks()).isEqualTo(24 - 3);
        }
    }

    @Test
    void refusesTokensSlotsAndLengthsThatDoNotExist() {
        try (KvSequence sequence = cache.open()) {
            assertThatThrownBy(() -> pass.run(List.of(base(sequence, new int[] {31}, Wanted.LAST))))
                    .hasMessageContaining("token id 31 is outside the vocabulary of 31");
            assertThatThrownBy(() -> pass.run(List.of(
                    new Chunk(sequence, new int[] {1}, 0, Wanted.LAST))))
                    .hasMessageContaining("adapter slot 0 holds no adapter");
            assertThatThrownBy(() -> pass.run(List.of(base(sequence, new int[65], Wanted.LAST))))
                    .hasMessageContaining("would have 65 tokens, the model takes at most 64");
            assertThatThrownBy(() -> pass.run(List.of(
                    base(sequence, TOKENS, Wanted.LAST), base(sequence, TOKENS, Wanted.LAST))))
                    .hasMessageContaining("stands in the batch twice");
            assertThatThrownBy(() -> base(sequence, new int[0], Wanted.LAST))
                    .hasMessageContaining("no tokens");
            assertThat(sequence.length()).isZero();
        }
    }
}
