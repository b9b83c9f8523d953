package dev.flywheel.engine.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.Family;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.Quantized;
import dev.flywheel.engine.model.TinyModels;
import dev.flywheel.engine.model.WeightFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * In every family, what training computes is what the family's formulas give in double, and an adapter's
 * gradients, leash included, are their finite differences.
 */
class FamilyGradientTest {
    private static final long SEED = 17;
    private static final int RANK = 2;
    private static final double STEP = 1e-5;
    private static final double LEASH = 0.7;
    private static final String[] EVERYWHERE = {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

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

    /** Longer than every window; one segment continues another. */
    private static PackedBatch batch() {
        PackedBatch.Builder batch = PackedBatch.builder();
        int[] text = {1, 7, 9, 4, 12, 30, 0, 3, 3, 8, 21};
        int parent = batch.segment(text);
        int child = batch.child(parent, new int[] {5, 6, 17});
        int other = batch.segment(new int[] {1, 2, 28, 5, 9, 9, 11});
        batch.target(batch.row(parent, 4), 30);
        batch.target(batch.lastRow(parent), 5);
        batch.target(batch.lastRow(child), 8);
        batch.target(batch.lastRow(child), 2);
        batch.target(batch.row(other, 2), 5);
        batch.target(batch.lastRow(other), 13);
        batch.leash(batch.row(parent, 4));
        batch.leash(batch.row(child, 1));
        return batch.build();
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("familiesOnBackends")
    void gradientsOfAnAdapterAreFiniteDifferencesInDouble(Family family, String name) {
        ModelSpec spec = TinyModels.of(family);
        try (Backend backend = Backends.open(name, 2);
                BaseModel model = TinyModels.load(folder, backend, spec, SEED)) {
            assertGradients(spec, model, folder);
        }
    }

    @ParameterizedTest(name = "{1} on {2}, {0}")
    @MethodSource("quantizedFamiliesOnBackends")
    void gradientsThroughAQuantizedBaseAreFiniteDifferencesOfTheWidenedOne(
            WeightFormat format, Family family, String name, @TempDir Path widened) {
        ModelSpec spec = TinyModels.of(family);
        try (Backend backend = Backends.open(name, 2)) {
            TinyModels.load(folder, backend, spec, SEED).close();
            Quantized.copy(spec, format, folder, widened);
            try (BaseModel model = BaseModel.load(folder, backend, format)) {
                assertGradients(spec, model, widened);
            }
        }
    }

    static Stream<Arguments> quantizedFamiliesOnBackends() {
        List<Arguments> all = new ArrayList<>();
        for (WeightFormat format : List.of(WeightFormat.Q8, WeightFormat.Q4)) {
            for (String backend : List.of("reference", "cpu")) {
                for (Family family : Family.values()) {
                    all.add(Arguments.of(format, family, backend));
                }
            }
        }
        return all.stream();
    }

    /** Judges a model by what the weights in a folder give in double. */
    private static void assertGradients(ModelSpec spec, BaseModel model, Path exactly) {
        try (TrainingPass pass = new TrainingPass(model, new DeviceLoop(1, () -> 0), 32)) {
            String[] targets = spec.hasDenseLayers() ? EVERYWHERE
                    : new String[] {"q_proj", "k_proj", "v_proj", "o_proj"};
            LoraWeights weights = TinyModels.adapter(model, RANK, SEED, targets);
            DoubleModel exact = new DoubleModel(spec, exactly);
            try (TrainableAdapter adapter = TrainableAdapter.of(model, weights, null)) {
                PackedBatch batch = batch();
                double[] got = pass.forward(batch, adapter);
                SortedMap<String, double[]> values = doubles(weights);
                Loss loss = new Loss(exact, batch, weights.config().scale());
                assertThat(got).as("log-probabilities")
                        .containsExactly(loss.logProbs(values), Offset.offset(2e-5));
                assertThat(pass.leash()).as("leash")
                        .containsExactly(loss.leash(values), Offset.offset(2e-5));
                pass.backward(Loss.coefficients(got.length), LEASH);
                adapter.gradients()
                        .forEach((tensor, gradient) -> assertSlope(loss, values, tensor, gradient));
            }
        }
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("familiesOnBackends")
    void servingGivesWhatTheFormulasGiveInDouble(Family family, String name) {
        ModelSpec spec = TinyModels.of(family);
        int[] text = {1, 7, 9, 4, 12, 30, 0, 3, 3, 8, 21, 5, 6, 17};
        try (Backend backend = Backends.open(name, 2);
                BaseModel model = TinyModels.load(folder, backend, spec, SEED);
                AdapterSlots slots = new AdapterSlots(model, 1, RANK);
                KvCache cache = new KvCache(model, 8, 4);
                ForwardPass pass = new ForwardPass(model, slots, cache, 32);
                KvSequence sequence = cache.open()) {
            LoraWeights weights = TinyModels.adapter(model, RANK, SEED, "q_proj", "o_proj");
            int slot = slots.stage(weights);
            PackedBatch.Builder batch = PackedBatch.builder();
            batch.segment(text);
            double[][] expected = new DoubleModel(spec, folder)
                    .logProbs(batch.build(), doubles(weights), weights.config().scale());
            Logits logits = pass.run(List.of(new Chunk(sequence, text, slot, Wanted.ALL)));
            for (int row = 0; row < text.length; row++) {
                for (int token = 0; token < spec.vocabSize(); token++) {
                    assertThat(logits.logProb(row, token)).as("row %d, token %d", row, token)
                            .isCloseTo(expected[row][token], Offset.offset(2e-5));
                }
            }
        }
    }

    /** The gradient, along itself and along a random direction, is what the loss changes by. */
    private static void assertSlope(
            Loss loss, SortedMap<String, double[]> at, String tensor, float[] gradient) {
        SeededRandom random = new SeededRandom(SEED).split(tensor);
        double[] along =
                IntStream.range(0, gradient.length).mapToDouble(i -> gradient[i]).toArray();
        double[] across = IntStream.range(0, gradient.length)
                .mapToDouble(i -> random.nextGaussian())
                .toArray();
        double length = length(along);
        assertThat(length).as(tensor).isGreaterThan(1e-4);
        for (double[] direction : List.of(along, across)) {
            double expected = 0;
            for (int i = 0; i < gradient.length; i++) {
                expected += gradient[i] * direction[i] / length(direction);
            }
            double slope = (loss.movedBy(at, tensor, direction, STEP)
                    - loss.movedBy(at, tensor, direction, -STEP)) / (2 * STEP);
            assertThat(expected).as("%s, seed %d", tensor, SEED)
                    .isCloseTo(slope, Offset.offset(2e-4 * length + 1e-6));
        }
    }

    private static double length(double[] x) {
        double sum = 0;
        for (double e : x) {
            sum += e * e;
        }
        return Math.sqrt(sum);
    }

    private static SortedMap<String, double[]> doubles(LoraWeights weights) {
        SortedMap<String, double[]> out = new TreeMap<>();
        for (LoraPair pair : weights.pairs().values()) {
            String prefix = "base_model.model." + pair.module();
            out.put(prefix + ".lora_A.weight", doubles(pair.a()));
            out.put(prefix + ".lora_B.weight", doubles(pair.b()));
        }
        return out;
    }

    private static double[] doubles(float[] x) {
        return IntStream.range(0, x.length).mapToDouble(i -> x[i]).toArray();
    }

    /** A weighted sum of log-probabilities and of the distance to the base. */
    private record Loss(DoubleModel model, PackedBatch batch, double scale) {
        static double[] coefficients(int n) {
            return IntStream.range(0, n).mapToDouble(i -> Math.sin(1 + i)).toArray();
        }

        double[] logProbs(SortedMap<String, double[]> adapter) {
            double[][] rows = model.logProbs(batch, adapter, scale);
            return batch.targets().stream().mapToDouble(t -> rows[t.row()][t.token()]).toArray();
        }

        double[] leash(SortedMap<String, double[]> adapter) {
            double[][] base = model.logProbs(batch, new TreeMap<>(), scale);
            double[][] rows = model.logProbs(batch, adapter, scale);
            return IntStream.of(batch.leashRows()).mapToDouble(row -> {
                double kl = 0;
                for (int t = 0; t < base[row].length; t++) {
                    kl += Math.exp(base[row][t]) * (base[row][t] - rows[row][t]);
                }
                return kl;
            }).toArray();
        }

        double movedBy(
                SortedMap<String, double[]> at, String tensor, double[] direction, double step) {
            SortedMap<String, double[]> moved = new TreeMap<>(at);
            double length = length(direction);
            double[] values = at.get(tensor);
            moved.put(tensor, IntStream.range(0, values.length)
                    .mapToDouble(i -> values[i] + step * direction[i] / length)
                    .toArray());
            double[] logProbs = logProbs(moved);
            double[] coefficients = coefficients(logProbs.length);
            double sum = 0;
            for (int i = 0; i < logProbs.length; i++) {
                sum += coefficients[i] * logProbs[i];
            }
            for (double kl : leash(moved)) {
                sum += LEASH * kl;
            }
            return sum;
        }
    }
}
