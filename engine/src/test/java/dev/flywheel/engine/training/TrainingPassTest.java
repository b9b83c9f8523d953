package dev.flywheel.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
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
class TrainingPassTest {
    private static final int ROWS_MAX = 64;
    private static final int[] LONG =
            {1, 7, 9, 4, 12, 30, 0, 3, 3, 8, 21, 5, 6, 7, 8, 9, 10, 11, 12};
    private static final int[] SHORT = {1, 2, 28, 5, 9};
    private static final AdamW ADAM_W = new AdamW(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f);

    @Parameter String backendName;

    @TempDir Path folder;
    private Backend backend;
    private BaseModel model;
    private DeviceLoop loop;
    private TrainingPass pass;

    @BeforeEach
    void open() {
        backend = Backends.open(backendName, 2);
        model = TinyModels.load(folder, backend, TinyModels.llama(), 5);
        loop = new DeviceLoop(2, () -> 0);
        pass = new TrainingPass(model, loop, ROWS_MAX);
    }

    @AfterEach
    void close() {
        pass.close();
        model.close();
        backend.close();
    }

    private TrainableAdapter adapter(String... targets) {
        return TrainableAdapter.of(model, TinyModels.adapter(model, 2, 3, targets), null);
    }

    private static void addText(PackedBatch.Builder batch, int[] ids, int leashOffset) {
        int segment = batch.segment(ids);
        for (int i = 0; i + 1 < ids.length; i++) {
            batch.target(batch.row(segment, i), ids[i + 1]);
        }
        batch.leash(batch.row(segment, leashOffset));
    }

    private static PackedBatch texts(int[]... texts) {
        PackedBatch.Builder batch = PackedBatch.builder();
        for (int[] ids : texts) {
            addText(batch, ids, 2);
        }
        return batch.build();
    }

    private static double[] coefficients(int n) {
        double[] coefficients = new double[n];
        for (int i = 0; i < n; i++) {
            coefficients[i] = Math.sin(1 + i);
        }
        return coefficients;
    }

    private SortedMap<String, float[]> gradients(
            TrainingPass through, PackedBatch batch, String... targets) {
        try (TrainableAdapter adapter = adapter(targets)) {
            double[] logProbs = through.forward(batch, adapter);
            through.backward(coefficients(logProbs.length), 0.5);
            return adapter.gradients();
        }
    }

    @Test
    void anExampleHasTheSameBitsAloneAndPackedWithOthers() {
        try (TrainableAdapter adapter = adapter("q_proj", "down_proj")) {
            double[] alone = pass.forward(texts(SHORT), adapter).clone();
            double leash = pass.leash()[0];
            double[] packed = pass.forward(texts(LONG, SHORT), adapter);
            assertThat(Arrays.copyOfRange(packed, LONG.length - 1, packed.length)).isEqualTo(alone);
            assertThat(pass.leash()[1]).isEqualTo(leash).isGreaterThan(0);
        }
    }

    @Test
    void aContinuationScoresAsIfItsContextWereRepeated() {
        PackedBatch.Builder batch = PackedBatch.builder();
        int context = batch.segment(LONG);
        int first = batch.child(context, new int[] {5, 6});
        int second = batch.child(context, new int[] {8, 2, 7});
        batch.target(batch.row(first, 1), 9);
        batch.target(batch.row(second, 2), 9);
        batch.target(batch.row(second, 2), 4);
        double[] shared = pass.forward(batch.build(), null);
        PackedBatch.Builder whole = PackedBatch.builder();
        int[] text = Arrays.copyOf(LONG, LONG.length + 3);
        System.arraycopy(new int[] {8, 2, 7}, 0, text, LONG.length, 3);
        int segment = whole.segment(text);
        whole.target(whole.lastRow(segment), 9);
        whole.target(whole.lastRow(segment), 4);
        double[] repeated = pass.forward(whole.build(), null);
        assertThat(shared[1]).isCloseTo(repeated[0], Offset.offset(1e-6));
        assertThat(shared[2]).isCloseTo(repeated[1], Offset.offset(1e-6));
    }

    @Test
    void logitsInSmallChunksGiveTheSameGradients() {
        PackedBatch batch = texts(LONG, SHORT, LONG);
        SortedMap<String, float[]> expected = gradients(pass, batch, "q_proj", "up_proj");
        try (TrainingPass chunked = new TrainingPass(model, loop, ROWS_MAX, 1)) {
            gradients(chunked, batch, "q_proj", "up_proj")
                    .forEach((name, values) -> assertThat(values).as(name)
                            .containsExactly(expected.get(name), Offset.offset(1e-6f)));
        }
    }

    @Test
    void anAdapterOnUpperModulesAloneGetsTheGradientsItHasAmongOthers() {
        PackedBatch batch = texts(LONG, SHORT);
        for (String only : List.of("v_proj", "o_proj", "gate_proj", "down_proj")) {
            LoraWeights all =
                    TinyModels.adapter(model, 2, 3, "q_proj", "k_proj", "v_proj", "o_proj",
                            "gate_proj", "up_proj", "down_proj");
            String module = "model.layers.1." + (only.startsWith("v") || only.startsWith("o")
                    ? "self_attn."
                    : "mlp.") + only;
            // Everything else present, but silent: B of the others is zero.
            all.pairs().forEach((name, pair) -> {
                if (!name.equals(module)) {
                    Arrays.fill(pair.b(), 0);
                }
            });
            SortedMap<String, float[]> among = gradientsOf(all, batch);
            LoraWeights alone = new LoraWeights(
                    LoraConfig.of(2, 4, List.of(only)),
                    new TreeMap<>(java.util.Map.of(module, all.pairs().get(module))));
            gradientsOf(alone, batch).forEach((name, values) -> assertThat(values).as(name)
                    .containsExactly(among.get(name), Offset.offset(1e-5f)));
        }
    }

    private SortedMap<String, float[]> gradientsOf(LoraWeights weights, PackedBatch batch) {
        try (TrainableAdapter adapter = TrainableAdapter.of(model, weights, null)) {
            double[] logProbs = pass.forward(batch, adapter);
            pass.backward(coefficients(logProbs.length), 0.5);
            return adapter.gradients();
        }
    }

    @Test
    void accumulatingScalesEachExamplesGradient() {
        PackedBatch first = texts(SHORT);
        PackedBatch second = texts(LONG);
        SortedMap<String, float[]> g1 = gradients(pass, first, "v_proj");
        SortedMap<String, float[]> g2 = gradients(pass, second, "v_proj");
        try (TrainableAdapter adapter = adapter("v_proj")) {
            double[] logProbs = pass.forward(first, adapter);
            pass.backward(coefficients(logProbs.length), 0.5);
            assertThat(adapter.gradientNorm()).isCloseTo(norm(g1, g1, 1, 0), Offset.offset(1e-4));
            adapter.accumulate(0.25);
            assertThat(adapter.gradientNorm()).isZero();
            logProbs = pass.forward(second, adapter);
            pass.backward(coefficients(logProbs.length), 0.5);
            adapter.accumulate(2);
            assertThat(adapter.accumulatedNorm())
                    .isCloseTo(norm(g1, g2, 0.25, 2), Offset.offset(1e-4));
            adapter.zeroGradients();
            assertThat(adapter.accumulatedNorm()).isZero();
        }
    }

    private static double norm(
            SortedMap<String, float[]> a, SortedMap<String, float[]> b, double fa, double fb) {
        double sum = 0;
        for (String name : a.keySet()) {
            for (int i = 0; i < a.get(name).length; i++) {
                sum += Math.pow(fa * a.get(name)[i] + fb * b.get(name)[i], 2);
            }
        }
        return Math.sqrt(sum);
    }

    @Test
    void whatIsAccumulatedAndWhatIsPendingBothCountInAStepAndNeverAgain() {
        try (TrainableAdapter whole = adapter("v_proj");
                TrainableAdapter parts = adapter("v_proj")) {
            for (TrainableAdapter adapter : List.of(whole, parts)) {
                double[] logProbs = pass.forward(texts(SHORT), adapter);
                pass.backward(coefficients(logProbs.length), 0);
            }
            parts.accumulate(1);
            whole.step(ADAM_W, 0.5);
            parts.step(ADAM_W, 0.5);
            assertThat(parts.weights()).isEqualTo(whole.weights());
            assertThat(whole.gradientNorm()).isZero();
            assertThat(whole.accumulatedNorm()).isZero();
            assertThat(whole.optimizerState().step()).isEqualTo(1);
        }
    }

    @Test
    void eachLayerAndTheHeadAreOneSliceEachWay() {
        try (TrainableAdapter adapter = adapter("q_proj")) {
            PackedBatch.Builder builder = PackedBatch.builder();
            int segment = builder.segment(SHORT);
            builder.target(builder.lastRow(segment), 4);
            long before = loop.usage().slices();
            pass.forward(builder.build(), adapter);
            pass.backward(new double[] {1}, 0);
            int layers = model.spec().layers();
            // Uploading, layers and head; zeroing, head and layers.
            assertThat(loop.usage().slices() - before).isEqualTo(2 * (layers + 2));
        }
    }

    @Test
    void servingBesideTrainingChangesNoBitOfEither() throws InterruptedException {
        SortedMap<String, float[]> expected =
                gradients(pass, texts(LONG, SHORT), "q_proj", "v_proj");
        try (AdapterSlots slots = new AdapterSlots(model, 1, 2);
                KvCache cache = new KvCache(model, 8, 8);
                ForwardPass serving = new ForwardPass(model, slots, cache, 32)) {
            float[] alone = serve(serving, cache);
            AtomicBoolean stop = new AtomicBoolean();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread server = Thread.ofPlatform().start(() -> {
                while (!stop.get()) {
                    try {
                        loop.step(() -> assertThat(serve(serving, cache)).isEqualTo(alone));
                    } catch (Throwable e) {
                        failure.set(e);
                        return;
                    }
                }
            });
            for (int i = 0; i < 50; i++) {
                gradients(pass, texts(LONG, SHORT), "q_proj", "v_proj").forEach((name,
                        values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
            }
            stop.set(true);
            server.join();
            assertThat(failure.get()).isNull();
            assertThat(loop.usage().steps()).isPositive();
        }
    }

    private static float[] serve(ForwardPass serving, KvCache cache) {
        try (KvSequence sequence = cache.open()) {
            return serving.run(List.of(
                    new Chunk(sequence, LONG, AdapterSlots.BASE, Wanted.LAST))).copyRow(0);
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertThatThrownBy(() -> pass.forward(texts(new int[65]), null))
                .hasMessageContaining("65 rows, the pass takes at most 64");
        assertThatThrownBy(() -> pass.forward(texts(new int[] {1, 2, 31, 4}), null))
                .hasMessageContaining("token id 31");
        assertThatThrownBy(() -> pass.backward(new double[0], 0))
                .isInstanceOf(IllegalStateException.class);
        pass.forward(texts(SHORT), null);
        assertThatThrownBy(() -> pass.backward(new double[4], 0)).hasMessageContaining("frozen");
        try (TrainableAdapter adapter = adapter("q_proj")) {
            pass.forward(texts(SHORT), adapter);
            assertThatThrownBy(() -> pass.backward(new double[3], 0))
                    .hasMessageContaining("got 3 coefficients");
            assertThatThrownBy(() -> TrainableAdapter.of(
                    model, TinyModels.adapter(model, 2, 3, "v_proj"), adapter.optimizerState()))
                    .hasMessageContaining("the optimizer state is of other tensors");
        }
    }
}
