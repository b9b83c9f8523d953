package dev.flywheel.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.AttentionStyle;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.Family;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.Rope;
import dev.flywheel.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All gradients are the slopes of the loss, and learning makes the loss fall. */
class FullTrainingTest {
    private static final long SEED = 11;
    private static final int ROWS_MAX = 64;
    private static final AdamW ADAM_W = new AdamW(0.01f, 0.9f, 0.95f, 1e-8f, 0.1f);

    private static ModelSpec spec(boolean tied, boolean biases) {
        return new ModelSpec(
                biases ? Family.QWEN2 : Family.LLAMA, 31, 16, 24, 2, 4, 2, 4, 1e-5f,
                Activation.SILU, biases, false, false, tied, 64, Rope.plain(10_000), 0.3f, 1,
                List.of(2), AttentionStyle.plain(4), 0, null);
    }

    private static FullTraining start(Backend backend, ModelSpec spec, long seed) {
        return FullTraining.start(spec, backend, new DeviceLoop(1, () -> 0), ROWS_MAX, seed);
    }

    /** Two sequences of different length, one continuation, some tokens masked. */
    private static PackedBatch batch() {
        PackedBatch.Builder batch = PackedBatch.builder();
        int[] first = {1, 5, 7, 7, 30, 12, 2};
        int a = batch.segment(first);
        for (int i = 0; i + 1 < first.length; i++) {
            batch.target(batch.row(a, i), first[i + 1]);
        }
        int[] second = {1, 9, 4};
        int b = batch.segment(second);
        batch.target(batch.row(b, 1), second[2]);
        int c = batch.child(b, new int[] {11, 3});
        batch.target(batch.lastRow(b), 11);
        batch.target(batch.row(c, 0), 3);
        return batch.build();
    }

    @ParameterizedTest(name = "{0}, tied {1}, biases {2}")
    @CsvSource({"reference, true, false", "reference, false, true", "cpu, true, true",
        "cpu, false, false"})
    void eachTensorsGradientIsTheSlopeOfTheLoss(String name, boolean tied, boolean biases) {
        try (Backend backend = Backends.open(name, 2)) {
            ModelSpec spec = spec(tied, biases);
            SortedMap<String, float[]> weights;
            SortedMap<String, float[]> gradients;
            try (FullTraining training = start(backend, spec, SEED)) {
                weights = training.weights();
                shake(weights);
            }
            try (FullTraining training = from(backend, spec, weights)) {
                training.accumulate(batch(), 1);
                gradients = training.gradients();
            }
            gradients.forEach(
                    (tensor, gradient) -> assertSlope(backend, spec, weights, tensor, gradient));
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"MIXTRAL", "QWEN3_MOE"})
    void everyDenseFamilysGradientsAreSlopes(Family family) {
        try (Backend backend = Backends.open("cpu", 2)) {
            ModelSpec spec = TinyModels.of(family);
            SortedMap<String, float[]> weights;
            try (FullTraining training = start(backend, spec, SEED)) {
                weights = training.weights();
                shake(weights);
            }
            try (FullTraining training = from(backend, spec, weights)) {
                training.accumulate(batch(), 1);
                training.gradients()
                        .forEach((tensor, gradient) -> assertSlope(
                                backend, spec, weights, tensor, gradient));
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(mode = EnumSource.Mode.INCLUDE, names = {"MIXTRAL", "QWEN3_MOE"})
    void expertsAreNotTrained(Family family) {
        try (Backend backend = Backends.open("reference", 1)) {
            assertThatThrownBy(() -> start(backend, TinyModels.of(family), SEED))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining(family.architecture())
                    .hasMessageContaining("experts");
        }
    }

    /** Makes norms and biases other than ones and zeros, so that a gradient left out shows. */
    private static void shake(SortedMap<String, float[]> weights) {
        weights.forEach((name, values) -> {
            if (name.contains("norm") || name.endsWith("bias")) {
                for (int i = 0; i < values.length; i++) {
                    values[i] += (float) (0.2 * Math.sin(3 * i + name.length()));
                }
            }
        });
    }

    private static FullTraining from(
            Backend backend, ModelSpec spec, Map<String, float[]> weights) {
        return FullTraining.from(spec, weights, backend, new DeviceLoop(1, () -> 0), ROWS_MAX);
    }

    private static void assertSlope(
            Backend backend, ModelSpec spec, SortedMap<String, float[]> weights, String tensor,
            float[] gradient) {
        double squares = 0;
        for (float g : gradient) {
            squares += (double) g * g;
        }
        double length = Math.sqrt(squares);
        assertThat(length).as(tensor).isGreaterThan(1e-4);
        double step = 4e-3;
        double[] losses = new double[2];
        for (int side = 0; side < 2; side++) {
            SortedMap<String, float[]> moved = new TreeMap<>(weights);
            float[] values = weights.get(tensor).clone();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) ((side == 0 ? step : -step) * gradient[i] / length);
            }
            moved.put(tensor, values);
            try (FullTraining training = from(backend, spec, moved)) {
                losses[side] = training.loss(batch());
            }
        }
        assertThat((losses[0] - losses[1]) / (2 * step))
                .as(tensor)
                .isCloseTo(length, Offset.offset(Math.max(2e-4, 0.005 * length)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void learningMakesTheLossFallAndTheSameSeedGivesTheSameBits(String name) {
        try (Backend backend = Backends.open(name, 2);
                FullTraining first = start(backend, spec(true, false), SEED);
                FullTraining second = start(backend, spec(true, false), SEED)) {
            double before = first.loss(batch());
            for (int i = 0; i < 30; i++) {
                first.step(batch(), ADAM_W, 1);
                second.step(batch(), ADAM_W, 1);
            }
            assertThat(first.loss(batch())).isLessThan(0.3 * before);
            first.weights()
                    .forEach((tensor, values) -> assertThat(second.weights().get(tensor)).as(tensor)
                            .isEqualTo(values));
        }
    }

    @Test
    void aStepPutTogetherFromPartsIsTheStepOfTheWhole() {
        try (Backend backend = Backends.open("reference", 1);
                FullTraining whole = start(backend, spec(true, false), SEED);
                FullTraining parts = start(backend, spec(true, false), SEED)) {
            double loss = whole.accumulate(batch(), 1);
            parts.accumulate(batch(), 0.25);
            parts.accumulate(batch(), 0.75);
            SortedMap<String, float[]> expected = whole.gradients();
            parts.gradients()
                    .forEach((tensor, values) -> assertThat(values).as(tensor)
                            .containsExactly(expected.get(tensor), Offset.offset(1e-6f)));
            assertThat(whole.loss(batch())).isCloseTo(loss, Offset.offset(1e-6));
        }
    }

    @Test
    void whatIsSavedLoadsAndScoresAsItWasTrained(@TempDir Path folder) {
        try (Backend backend = Backends.open("reference", 1)) {
            double[] trained;
            try (FullTraining training = start(backend, spec(true, true), SEED)) {
                training.step(batch(), ADAM_W, 1);
                training.save(folder);
                trained = training.logProbs(batch());
            }
            try (BaseModel model = BaseModel.load(folder, backend);
                    AdapterSlots slots = new AdapterSlots(model, 1, 1);
                    KvCache cache = new KvCache(model, 4, 8);
                    ForwardPass pass = new ForwardPass(model, slots, cache, 8);
                    KvSequence sequence = cache.open()) {
                assertThat(model.spec()).isEqualTo(spec(true, true));
                int[] ids = {1, 5, 7, 7, 30, 12};
                Logits logits = pass.run(
                        List.of(new Chunk(sequence, ids, AdapterSlots.BASE, Wanted.ALL)));
                for (int i = 0; i < ids.length; i++) {
                    int next = i + 1 < ids.length ? ids[i + 1] : 2;
                    // BF16 keeps eight bits of each weight.
                    assertThat(logits.logProb(i, next)).isCloseTo(trained[i], Offset.offset(0.1));
                }
            }
        }
    }

    @Test
    void aGradientThatIsNotFiniteIsRefusedBeforeAnythingChanges() {
        try (Backend backend = Backends.open("reference", 1);
                FullTraining training = start(backend, spec(true, false), SEED)) {
            SortedMap<String, float[]> before = training.weights();
            training.accumulate(batch(), Double.NaN);
            assertThatThrownBy(() -> training.step(ADAM_W, 1))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessageContaining("step 1");
            training.weights()
                    .forEach((tensor, values) -> assertThat(values).as(tensor)
                            .isEqualTo(before.get(tensor)));
        }
    }

    @Test
    void matricesDecayAndNormsAndBiasesDoNot() {
        AdamW decaying = new AdamW(0.1f, 0.9f, 0.95f, 1e-8f, 0.5f);
        try (Backend backend = Backends.open("reference", 1);
                FullTraining training = start(backend, spec(false, true), SEED)) {
            SortedMap<String, float[]> before = training.weights();
            training.accumulate(batch(), 0);
            training.step(decaying, 1);
            training.weights().forEach((tensor, values) -> {
                boolean matrix = !tensor.contains("norm") && !tensor.endsWith("bias");
                float expected = before.get(tensor)[3] * (matrix ? 0.95f : 1);
                assertThat(values[3]).as(tensor).isCloseTo(expected, Offset.offset(1e-6f));
            });
        }
    }

    @Test
    void aLongGradientIsShortenedToTheNormAllowed() {
        // With an epsilon far above the gradient a step is proportional to it.
        AdamW proportional = new AdamW(1f, 0f, 0f, 1e3f, 0f);
        try (Backend backend = Backends.open("reference", 1);
                FullTraining whole = start(backend, spec(true, false), SEED);
                FullTraining clipped = start(backend, spec(true, false), SEED)) {
            SortedMap<String, float[]> before = whole.weights();
            double norm = whole.step(batch(), proportional, 1e9).gradientNorm();
            clipped.step(batch(), proportional, norm / 4);
            double moved = distance(before, whole.weights());
            assertThat(distance(before, clipped.weights()))
                    .isCloseTo(moved / 4, Offset.offset(0.01 * moved));
        }
    }

    private static double distance(SortedMap<String, float[]> a, SortedMap<String, float[]> b) {
        double sum = 0;
        for (String tensor : a.keySet()) {
            for (int i = 0; i < a.get(tensor).length; i++) {
                sum += Math.pow((double) a.get(tensor)[i] - b.get(tensor)[i], 2);
            }
        }
        return Math.sqrt(sum);
    }
}
