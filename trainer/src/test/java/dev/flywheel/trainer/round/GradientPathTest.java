package dev.flywheel.trainer.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each loss from a manifest's example to the adapter's gradient, against central differences of the loss
 * along random directions in the adapter's weights. What a loss holds constant is held constant here by
 * a formula of the test's own.
 */
class GradientPathTest {
    private static final List<String> TEXTS = List.of("tennis", "opera", "soup");
    private static final long SEED = 77;
    private static final double STEP = 2e-3;
    private static final RoundSettings SETTINGS =
            RoundFixture.SETTINGS.toBuilder()
                    .setKlWeight(0)
                    .setRewardBaseline(0.2)
                    .setEditWeight(3)
                    .setPreferenceBeta(0.3)
                    .build();

    @TempDir Path folder;
    private RoundFixture fixture;
    private TrainingPass pass;
    private LoraWeights warm;

    @BeforeEach
    void load() {
        fixture = new RoundFixture(folder, "reference", TinyBase.SMALL, 2);
        pass = new TrainingPass(fixture.base, new DeviceLoop(1, () -> 0), 512);
        warm = moved(fixture.start(RoundFixture.LORA), direction(SEED), 0.05);
    }

    @AfterEach
    void close() throws Exception {
        pass.close();
        fixture.close();
    }

    @Test
    void ofSlates() {
        check(fixture.slate("a", "u", "reads", TEXTS, 1));
        check(fixture.continuations("a", "liked?", List.of(" yes", " no"), 0));
    }

    @Test
    void ofAnswersWithAThumb() {
        check(fixture.thumb("a", "capital of France?", "Paris", true));
        check(fixture.thumb("a", "capital of France?", "Paris", false));
    }

    @Test
    void ofPreferences() {
        check(fixture.preference("a", "capital of France?", "Paris", "Lyon"));
    }

    @Test
    void ofCorrectionsWithTheEditWeighingMore() {
        Example.Builder correction =
                fixture.correction("a", "capital of France?", "Paris").toBuilder();
        correction.addOptions(LabelledOption.newBuilder().addAllIds(fixture.ids(" Pardon")));
        check(correction.build());
    }

    @Test
    void ofEachLossOnALeashOfItsOwn() {
        check(leashed(fixture.slate("a", "u", "reads", TEXTS, 1)));
        check(leashed(fixture.preference("a", "capital of France?", "Paris", "Lyon")));
        check(leashed(fixture.thumb("a", "capital of France?", "Paris", true)));
    }

    @Test
    void ofDecisionsWithTheImportanceWeightHeld() {
        for (double reward : new double[] {1, -0.5}) {
            Example example = fixture.decision("a", "reads", TEXTS, 1, reward);
            Example unknown = without(example);
            PreparedExample.Decision decision =
                    (PreparedExample.Decision) prepared(example, SETTINGS).getFirst();
            PreparedExample plain = prepared(unknown, SETTINGS).getFirst();
            double weight = decision.importance(logProbs(decision, warm))[0];
            assertThat(weight).isStrictlyBetween(0.0, 10.0).isNotEqualTo(1);
            check(example, at -> weight * loss(plain, at));
            check(unknown);
        }
    }

    @Test
    void ofVerdictsWithTheWeightsOfLateClicksHeld() {
        for (int label = 0; label <= 1; label++) {
            Example example =
                    fixture.verdicts("a", "u", "reads", TEXTS, label)
                            .toBuilder()
                            .setLateShare(0.4)
                            .build();
            PreparedExample.Verdict verdicts =
                    (PreparedExample.Verdict) prepared(example, SETTINGS).getFirst();
            double[] held = weights(scores(verdicts, warm), label);
            double side = label == 1 ? -1 : 1;
            check(example, at -> {
                double[] now = scores(verdicts, at);
                double sum = 0;
                for (int k = 0; k < now.length; k++) {
                    sum += held[k] * Math.log1p(Math.exp(side * now[k]));
                }
                return sum;
            });
        }
    }

    /** 1 + q, or (1 + q)(1 - p) / (1 - p + q), with 40 % late. */
    private static double[] weights(double[] scores, int label) {
        return Arrays.stream(scores).map(o -> {
            double p = 1 / (1 + Math.exp(-o));
            double q = 0.4 * p;
            return label == 1 ? 1 + q : (1 + q) * (1 - p) / (1 - p + q);
        }).toArray();
    }

    private double[] scores(PreparedExample.Verdict verdicts, LoraWeights at) {
        return verdicts.terms().scores(logProbs(verdicts, at));
    }

    private static Example without(Example example) {
        Example.Builder unknown = example.toBuilder();
        unknown.getOptionsBuilderList().forEach(option -> option.setPropensity(0));
        return unknown.build();
    }

    private static Example leashed(Example example) {
        return example.toBuilder().setKlWeight(0.7).build();
    }

    private void check(Example example) {
        PreparedExample prepared = prepared(example, SETTINGS).getFirst();
        check(example, at -> loss(prepared, at) + leash(prepared, at));
    }

    private void check(Example example, ToDoubleFunction<LoraWeights> held) {
        PreparedExample prepared = prepared(example, SETTINGS).getFirst();
        SortedMap<String, float[]> gradient = gradient(prepared);
        for (int n = 1; n <= 3; n++) {
            SortedMap<String, float[]> along = direction(SEED + n);
            double slope = (held.applyAsDouble(moved(warm, along, STEP))
                    - held.applyAsDouble(moved(warm, along, -STEP))) / (2 * STEP);
            double expected = dot(gradient, along);
            assertThat(slope)
                    .as("%s along direction %d of seed %d", example.getKind(), n, SEED)
                    .isCloseTo(expected, within(2e-3 + 0.02 * Math.abs(expected)));
        }
        assertThat(dot(gradient, gradient)).as("of a gradient that is one").isGreaterThan(1e-6);
    }

    private SortedMap<String, float[]> gradient(PreparedExample example) {
        try (TrainableAdapter adapter = TrainableAdapter.of(fixture.base, warm, null)) {
            References references = references(adapter, example);
            double[] logProbs = pass.forward(example.batch(), adapter);
            pass.backward(
                    example.loss(logProbs, references).gradient(), leashCoefficient(example));
            return new TreeMap<>(adapter.gradients());
        }
    }

    private double loss(PreparedExample example, LoraWeights at) {
        try (TrainableAdapter adapter = TrainableAdapter.of(fixture.base, at, null)) {
            References references = references(adapter, example);
            return example.loss(pass.forward(example.batch(), adapter), references).value();
        }
    }

    private double leash(PreparedExample example, LoraWeights at) {
        try (TrainableAdapter adapter = TrainableAdapter.of(fixture.base, at, null)) {
            pass.forward(example.batch(), adapter);
            return leashCoefficient(example) * Arrays.stream(pass.leash()).sum();
        }
    }

    private static double leashCoefficient(PreparedExample example) {
        int rows = example.batch().leashRows().length;
        return rows == 0 ? 0 : example.example().getKlWeight() / rows;
    }

    private References references(TrainableAdapter adapter, PreparedExample example) {
        return new References(pass, adapter, List.of(example), () -> false);
    }

    private double[] logProbs(PreparedExample example, LoraWeights at) {
        try (TrainableAdapter adapter = TrainableAdapter.of(fixture.base, at, null)) {
            return pass.forward(example.batch(), adapter);
        }
    }

    private List<PreparedExample> prepared(Example example, RoundSettings settings) {
        return RoundExamples.prepare(
                new RoundInput(
                        fixture.startParent(RoundFixture.LORA), List.of(example), 7, settings),
                fixture.tokenizer,
                new ExamplePreparer.Limits(fixture.base.spec().vocabSize(), 512, 512)).own();
    }

    /** A direction of about unit length per tensor. */
    private SortedMap<String, float[]> direction(long seed) {
        SeededRandom random = new SeededRandom(seed);
        SortedMap<String, float[]> direction = new TreeMap<>();
        fixture.start(RoundFixture.LORA).pairs().forEach((module, pair) -> {
            direction.put(name(module, "A"), random(random, pair.a().length));
            direction.put(name(module, "B"), random(random, pair.b().length));
        });
        return direction;
    }

    private static float[] random(SeededRandom random, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) ((random.nextDouble() * 2 - 1) * Math.sqrt(3.0 / length));
        }
        return values;
    }

    private static LoraWeights moved(
            LoraWeights from, SortedMap<String, float[]> along, double step) {
        SortedMap<String, LoraPair> pairs = new TreeMap<>();
        from.pairs()
                .forEach((module, pair) -> pairs.put(module, new LoraPair(
                        module, pair.rank(), pair.inFeatures(), pair.outFeatures(),
                        sum(pair.a(), along.get(name(module, "A")), step),
                        sum(pair.b(), along.get(name(module, "B")), step))));
        return new LoraWeights(from.config(), pairs);
    }

    private static float[] sum(float[] x, float[] along, double step) {
        float[] sum = x.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += (float) (step * along[i]);
        }
        return sum;
    }

    private static String name(String module, String part) {
        return "base_model.model." + module + ".lora_" + part + ".weight";
    }

    private static double dot(SortedMap<String, float[]> x, SortedMap<String, float[]> y) {
        List<Double> products = new ArrayList<>();
        x.forEach((name, values) -> {
            float[] other = y.get(name);
            for (int i = 0; i < values.length; i++) {
                products.add((double) values[i] * other[i]);
            }
        });
        return products.stream().mapToDouble(Double::doubleValue).sum();
    }
}
