package dev.flywheel.engine.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.OptimizerState;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses, gradients and trajectories agree with the reference implementation. */
class TrainingOracleTest {
    static Stream<String[]> cases() {
        List<String[]> all = new ArrayList<>();
        for (String backend : List.of("reference", "cpu")) {
            for (String name : List.of("training/sft-qv", "training/bandit-pg",
                    "training/sft-all-rslora")) {
                all.add(new String[] {backend, name});
            }
        }
        return all.stream();
    }

    /** A loaded case. */
    private static final class Loaded implements AutoCloseable {
        final Oracle oracle;
        final JsonNode manifest;
        final JsonNode batches;
        final JsonNode golden;
        final OracleLoss loss;
        final Backend backend;
        final BaseModel model;
        final TrainingPass pass;

        Loaded(String backendName, String name) {
            oracle = Oracle.of(name);
            manifest = oracle.json("manifest.json");
            batches = oracle.json("batches.json").path("batches");
            golden = oracle.json("golden.json");
            loss = OracleLoss.of(manifest);
            backend = Backends.open(backendName, 2);
            model = BaseModel.load(oracle.folder(manifest.path("base_model").asText()), backend);
            pass = new TrainingPass(model, new DeviceLoop(1, () -> 0), 256);
        }

        LoraWeights adapter(String folder) {
            return PeftFolder.read(oracle.folder(folder), model.linearModules()).weights();
        }

        /** Runs forward and backward and returns the loss. */
        double gradients(int batchIndex, TrainableAdapter adapter) {
            JsonNode examples = batches.get(batchIndex).path("examples");
            PackedBatch batch = loss.pack(examples);
            double[] logProbs = pass.forward(batch, adapter);
            double[] coefficients = new double[logProbs.length];
            double value = loss.loss(examples, logProbs, coefficients);
            pass.backward(coefficients, 0);
            return value;
        }

        AdamW adamW() {
            JsonNode o = manifest.path("optimizer");
            return new AdamW(
                    o.path("lr").floatValue(), o.path("betas").get(0).floatValue(),
                    o.path("betas").get(1).floatValue(), o.path("eps").floatValue(),
                    o.path("weight_decay").floatValue());
        }

        void assertWithin(String what, double worst, String key) {
            double allowed = manifest.path("tolerance").path(key).doubleValue();
            System.out.printf("%s %s: %s %.3g, allowed %.3g%n", backend.name(),
                    manifest.path("id").asText(), what, worst, allowed);
            assertThat(worst).as(what).isLessThanOrEqualTo(allowed);
        }

        @Override
        public void close() {
            pass.close();
            model.close();
            backend.close();
        }
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void lossesAndGradientsAgree(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            SafetensorsFile golden = at.oracle.tensors("golden.safetensors");
            for (String start : List.of("init", "warm")) {
                try (TrainableAdapter adapter =
                        TrainableAdapter.of(at.model, at.adapter(start), null)) {
                    double worstLoss = 0;
                    for (int i = at.batches.size() - 1; i >= 0; i--) {
                        adapter.zeroGradients();
                        double expected = at.golden.path(start)
                                .path("loss_per_batch")
                                .get(i)
                                .doubleValue();
                        worstLoss = Math.max(
                                worstLoss, Math.abs(at.gradients(i, adapter) - expected));
                    }
                    at.assertWithin(start + " loss", worstLoss, start + "_loss_abs");
                    at.assertWithin(start + " gradients",
                            worstGradient(golden, start, adapter.gradients()),
                            start + "_grad_rel_max");
                    assertThat(adapter.gradientNorm()).isCloseTo(
                            at.golden.path(start).path("grad_norm").doubleValue(),
                            Percentage.withPercentage(0.01));
                }
            }
        }
    }

    private static double worstGradient(
            SafetensorsFile golden, String start, SortedMap<String, float[]> gradients) {
        double worst = 0;
        for (var entry : gradients.entrySet()) {
            float[] expected = golden.floats(start + ".grad." + entry.getKey());
            double largest = 0;
            double difference = 0;
            for (int i = 0; i < expected.length; i++) {
                largest = Math.max(largest, Math.abs(expected[i]));
                difference = Math.max(difference, Math.abs(entry.getValue()[i] - expected[i]));
            }
            worst = Math.max(worst, largest == 0 ? difference : difference / largest);
        }
        return worst;
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void trajectoriesAgreeAlsoAcrossAHandOver(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            LoraWeights init = at.adapter("init");
            LoraWeights weights = init;
            OptimizerState state = null;
            JsonNode trajectory = at.golden.path("trajectory");
            int steps = trajectory.path("batch_of_step").size();
            double worstLoss = 0;
            // A new adapter for each step: weights and moments go through the host every time.
            for (int step = 1; step <= steps; step++) {
                try (TrainableAdapter adapter = TrainableAdapter.of(at.model, weights, state)) {
                    double loss = at.gradients(
                            trajectory.path("batch_of_step").get(step - 1).intValue(), adapter);
                    worstLoss = Math.max(worstLoss, Math.abs(
                            loss - trajectory.path("loss_before_step")
                                    .get(step - 1)
                                    .doubleValue()));
                    adapter.step(at.adamW(), 1);
                    weights = adapter.weights();
                    state = OptimizerState
                            .fromSafetensors(adapter.optimizerState().toSafetensors());
                }
                if (step == 1 || step == 5 || step == steps) {
                    assertKept(at, init, weights, step);
                }
            }
            at.assertWithin("trajectory loss", worstLoss, "trajectory_loss_abs");
        }
    }

    private static void assertKept(Loaded at, LoraWeights init, LoraWeights now, int step) {
        SafetensorsFile golden =
                at.oracle.tensors("trajectory/step_%03d.safetensors".formatted(step));
        SortedMap<String, float[]> start = named(init);
        double error = 0;
        double moved = 0;
        List<Double> differences = new ArrayList<>();
        for (var entry : named(now).entrySet()) {
            float[] expected = golden.floats(entry.getKey());
            float[] before = start.get(entry.getKey());
            for (int i = 0; i < expected.length; i++) {
                double difference = (double) entry.getValue()[i] - expected[i];
                differences.add(Math.abs(difference));
                error += difference * difference;
                moved += Math.pow((double) expected[i] - before[i], 2);
            }
        }
        Collections.sort(differences);
        at.assertWithin("step " + step + " move", Math.sqrt(error / moved),
                "step_" + step + "_move_rel_l2");
        at.assertWithin("step " + step + " 99 percent",
                differences.get((int) Math.ceil(0.99 * differences.size()) - 1),
                "step_" + step + "_abs_for_99_percent");
    }

    private static SortedMap<String, float[]> named(LoraWeights weights) {
        SafetensorsFile file = SafetensorsFile.of(weights.toSafetensors());
        SortedMap<String, float[]> named = new TreeMap<>();
        file.names().forEach(name -> named.put(name, file.floats(name)));
        return named;
    }

    @ParameterizedTest(name = "{1} on {0}")
    @MethodSource("cases")
    void theLeashIsZeroAtTheStartAndItsGradientMatchesItsSlope(String backend, String name) {
        try (Loaded at = new Loaded(backend, name)) {
            int[] ids = {5, 17, 33, 2, 90, 41};
            PackedBatch.Builder builder = PackedBatch.builder();
            int parent = builder.segment(ids);
            builder.leash(builder.row(parent, 2)).leash(builder.lastRow(parent));
            int child = builder.child(parent, new int[] {8, 9, 10});
            builder.leash(builder.lastRow(child));
            PackedBatch batch = builder.build();
            try (TrainableAdapter init = TrainableAdapter.of(at.model, at.adapter("init"), null)) {
                at.pass.forward(batch, init);
                assertThat(at.pass.leash()).hasSize(3).containsOnly(0, 0, 0);
            }
            LoraWeights warm = at.adapter("warm");
            SortedMap<String, float[]> gradients;
            try (TrainableAdapter adapter = TrainableAdapter.of(at.model, warm, null)) {
                assertThat(leash(at, batch, adapter)).isGreaterThan(0.01);
                at.pass.backward(new double[0], 1);
                gradients = adapter.gradients();
            }
            assertSlope(at, batch, warm, gradients);
        }
    }

    private static double leash(Loaded at, PackedBatch batch, TrainableAdapter adapter) {
        at.pass.forward(batch, adapter);
        double sum = 0;
        for (double divergence : at.pass.leash()) {
            sum += divergence;
        }
        return sum;
    }

    /** Moves all weights along the gradient, both ways, and compares the slope with its length. */
    private static void assertSlope(
            Loaded at, PackedBatch batch, LoraWeights weights,
            SortedMap<String, float[]> gradients) {
        double squares = 0;
        for (float[] gradient : gradients.values()) {
            for (float g : gradient) {
                squares += (double) g * g;
            }
        }
        double length = Math.sqrt(squares);
        double step = 2e-3;
        double[] values = new double[2];
        for (int side = 0; side < 2; side++) {
            SortedMap<String, float[]> moved = named(weights);
            double by = (side == 0 ? step : -step) / length;
            moved.forEach((name, values2) -> {
                for (int i = 0; i < values2.length; i++) {
                    values2[i] += (float) (by * gradients.get(name)[i]);
                }
            });
            try (TrainableAdapter adapter =
                    TrainableAdapter.of(at.model, rebuilt(weights.config(), moved), null)) {
                values[side] = leash(at, batch, adapter);
            }
        }
        double slope = (values[0] - values[1]) / (2 * step);
        System.out.printf("leash slope %.6f, gradient length %.6f%n", slope, length);
        assertThat(slope).isCloseTo(length, Percentage.withPercentage(0.5));
    }

    private static LoraWeights rebuilt(LoraConfig config, SortedMap<String, float[]> named) {
        SortedMap<String, LoraPair> pairs = new TreeMap<>();
        named.forEach((name, a) -> {
            if (name.endsWith(".lora_A.weight")) {
                String prefix = name.substring(0, name.length() - ".lora_A.weight".length());
                String module = prefix.substring("base_model.model.".length());
                float[] b = named.get(prefix + ".lora_B.weight");
                int rank = config.rankOf(module);
                pairs.put(module, new LoraPair(
                        module, rank, a.length / rank, b.length / rank, a, b));
            }
        });
        return new LoraWeights(config, pairs);
    }
}
