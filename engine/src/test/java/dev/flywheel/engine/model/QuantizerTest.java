package dev.flywheel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.DType;
import dev.flywheel.engine.device.Backends;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizerTest {
    private static final long SEED = 23;
    private static final int GROUP = 16;

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"Q8", "Q4"})
    void aGroupIsOffByNoMoreThanHalfAStep(DType type) {
        SeededRandom random = new SeededRandom(SEED);
        for (int round = 0; round < 200; round++) {
            float[] x = values(random, 1 + random.nextInt(100));
            float[] back = Quantized.of(type, x);
            for (int g = 0; g < x.length; g += GROUP) {
                int end = Math.min(g + GROUP, x.length);
                float[] group = Arrays.copyOf(Arrays.copyOfRange(x, g, end), GROUP);
                double step = step(type, group);
                double sum = 0;
                for (int i = g; i < end; i++) {
                    sum += Math.pow((double) back[i] - x[i], 2);
                }
                assertThat(Math.sqrt(sum / GROUP))
                        .as("seed %d, round %d, group %s", SEED, round, Arrays.toString(group))
                        .isLessThanOrEqualTo(0.54 * step);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"Q8", "Q4"})
    void zeroStaysZeroAndSmallWholeCodesComeBackExactly(DType type) {
        assertThat(Quantized.of(type, new float[40])).containsOnly(0);
        float[] steps = new float[GROUP];
        for (int i = 0; i < GROUP; i++) {
            steps[i] = (i - 7) * 0.25f;
        }
        assertThat(Quantized.of(DType.Q4, steps)).isEqualTo(steps);
    }

    @Test
    void normalWeightsAreOffBySoMuchOnAverage() {
        float[] x = new float[1 << 14];
        SeededRandom random = new SeededRandom(SEED);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (0.02 * random.nextGaussian());
        }
        assertThat(relativeError(x, Quantized.of(DType.Q8, x))).as("q8, seed %d", SEED)
                .isBetween(0.001, 0.0045);
        assertThat(relativeError(x, Quantized.of(DType.Q4, x))).as("q4, seed %d", SEED)
                .isBetween(0.01, 0.0575);
    }

    @Test
    void whatIsNotFiniteIsRefused() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -70_000}) {
            float[] x = new float[50];
            x[41] = bad;
            assertThatThrownBy(() -> Quantized.of(DType.Q8, x)).hasMessage("refused");
        }
    }

    @Test
    void anotherFormatIsAnotherBase() {
        try (Backend backend = Backends.open("reference", 1);
                BaseModel stored = TinyModels.load(folder, backend, TinyModels.llama(), 1);
                BaseModel eight = BaseModel.load(folder, backend, WeightFormat.Q8);
                BaseModel four = BaseModel.load(folder, backend, WeightFormat.Q4);
                BaseModel again = BaseModel.load(folder, backend, WeightFormat.Q4)) {
            assertThat(List.of(stored.digest(), eight.digest(), four.digest()))
                    .doesNotHaveDuplicates();
            assertThat(again.digest()).isEqualTo(four.digest());
            LayerWeights layer = four.weights().layers().getFirst();
            assertThat(layer.linear(Linear.UP).weight().dtype()).isEqualTo(DType.Q4);
            assertThat(layer.linear(Linear.DOWN).weight().dtype()).isEqualTo(DType.Q8);
            assertThat(layer.attentionNorm().dtype()).isEqualTo(DType.BF16);
            assertThat(four.weights().head().dtype()).isEqualTo(DType.BF16);
        }
    }

    @Test
    void everyLinearModuleAndExpertOfEveryFamilyIsQuantizedAndNothingElse() {
        for (Family family : Family.values()) {
            ModelSpec spec = TinyModels.of(family);
            ModelWeights.shapes(spec).keySet().forEach(name -> {
                boolean linear = name.matches(".*(_proj|experts\\.\\d+\\.w[123])\\.weight");
                assertThat(WeightFormat.Q8.quantized(spec, name)).as("%s of %s", name, family)
                        .isEqualTo(linear ? DType.Q8 : null);
                assertThat(WeightFormat.STORED.quantized(spec, name)).isNull();
            });
        }
    }

    @Test
    void anUnknownFormatIsRefusedByName() {
        assertThatThrownBy(() -> WeightFormat.named("q5"))
                .hasMessage("weights are q5, allowed are stored, q8, q4");
    }

    /** Some magnitude, some offset, now and then an outlier or zeros. */
    private static float[] values(SeededRandom random, int n) {
        double size = Math.pow(10, random.nextDouble(-3, 3));
        double offset = random.chance(0.3) ? random.nextGaussian() : 0;
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            double value = random.chance(0.1) ? 0 : random.nextGaussian() + offset;
            x[i] = (float) (size * value * (random.chance(0.03) ? 20 : 1));
        }
        return x;
    }

    private static double step(DType type, float[] group) {
        double low = 0;
        double high = 0;
        for (float x : group) {
            low = Math.min(low, x);
            high = Math.max(high, x);
        }
        return type == DType.Q8 ? Math.max(-low, high) / 127 : (high - low) / 15;
    }

    private static double relativeError(float[] x, float[] y) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < x.length; i++) {
            error += Math.pow((double) y[i] - x[i], 2);
            size += (double) x[i] * x[i];
        }
        return Math.sqrt(error / size);
    }
}
