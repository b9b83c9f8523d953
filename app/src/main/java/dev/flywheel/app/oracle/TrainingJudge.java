package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.Loss;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Cases of kind {@code training}: losses, gradients tensor by tensor, and an optimizer's path. */
final class TrainingJudge implements Judge {
    private static final String GOLDEN_TENSORS = "golden.safetensors";
    private static final String PREFIX = "base_model.model.";
    private final Bases bases;

    TrainingJudge(Bases bases) {
        this.bases = bases;
    }

    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        BaseModel model = bases.load(at.named("base_model"));
        var toBatch = TrainingBatch.of(at);
        List<TrainingBatch> batches = new ArrayList<>();
        try {
            OracleCase.list(at.json("batches.json"), "batches")
                    .forEach(batch -> batches.add(toBatch.apply(batch)));
        } catch (IllegalArgumentException e) {
            throw new BadCaseException("batches.json: " + e.getMessage(), e);
        }
        int rowsMax = batches.stream().mapToInt(batch -> batch.rows().rows()).max().orElse(1);
        try (TrainingPass pass = new TrainingPass(
                model, new DeviceLoop(1, System::nanoTime), rowsMax)) {
            Run run = new Run(at, model, pass, batches, findings, actual);
            run.gradients("init");
            run.gradients("warm");
            run.trajectory();
        }
    }

    /** One case on its way. */
    private record Run(
            OracleCase at,
            BaseModel model,
            TrainingPass pass,
            List<TrainingBatch> batches,
            Findings findings,
            Actual actual) {

        void gradients(String start) {
            JsonNode golden = at.json("golden.json").path(start);
            int gradientBatch = golden.path("grad_batch").asInt();
            ObjectNode kept = actual.json().putObject(start);
            kept.put("grad_batch", gradientBatch);
            ObjectNode described = kept.putObject("per_example_batch_0");
            double[] losses = new double[batches.size()];
            try (TrainableAdapter adapter = TrainableAdapter.of(model, adapter(start), null)) {
                for (int i = 0; i < losses.length; i++) {
                    losses[i] = batches.get(i)
                            .loss(pass.forward(batches.get(i).rows(), adapter),
                                    reference(batches.get(i)))
                            .value();
                }
                TrainingBatch first = batches.getFirst();
                first.describe(
                        pass.forward(first.rows(), adapter), reference(first), described);
                gradient(gradientBatch, adapter);
                kept.put("grad_norm", adapter.gradientNorm());
                compareGradients(start, adapter.gradients());
            }
            Actual.add(kept.putArray("loss_per_batch"), losses);
            findings.figure(
                    start + "_loss_abs",
                    worst(losses, OracleCase.list(golden, "loss_per_batch")),
                    at.tolerance(start + "_loss_abs"));
        }

        private void compareGradients(String start, SortedMap<String, float[]> gradients) {
            SafetensorsFile golden = at.tensors(GOLDEN_TENSORS);
            SortedMap<String, int[]> shapes = shapes(adapter(start));
            String prefix = start + ".grad.";
            for (String name : golden.names()) {
                if (name.startsWith(prefix)
                        && !gradients.containsKey(name.substring(prefix.length()))) {
                    findings.problem("no gradient was computed for " + name);
                }
            }
            double worst = 0;
            for (Map.Entry<String, float[]> tensor : gradients.entrySet()) {
                String name = prefix + tensor.getKey();
                float[] expected =
                        OracleCase.golden(golden, name, tensor.getValue().length);
                worst = Math.max(
                        worst, Difference.relativeMax(tensor.getValue(), expected));
                actual.tensor(
                        name, tensor.getValue(), shapes.getOrDefault(tensor.getKey(), new int[0]));
            }
            findings.figure(start + "_grad_rel_max", worst, at.tolerance(start + "_grad_rel_max"));
        }

        void trajectory() {
            JsonNode golden = at.json("golden.json").path("trajectory");
            int[] batchOfStep = OracleCase.ints(golden.path("batch_of_step"), "batch_of_step");
            int[] keptAfter =
                    OracleCase.ints(golden.path("kept_after_steps"), "kept_after_steps");
            double[] losses = new double[batchOfStep.length];
            LoraWeights init = adapter("init");
            AdamW settings = adamW();
            try (TrainableAdapter adapter = TrainableAdapter.of(model, init, null)) {
                for (int step = 1; step <= losses.length; step++) {
                    losses[step - 1] = gradient(batchOfStep[step - 1], adapter);
                    adapter.step(settings, 1);
                    for (int kept : keptAfter) {
                        if (kept == step) {
                            keep(step, init, adapter.weights());
                        }
                    }
                }
            }
            ObjectNode kept = actual.json().putObject("trajectory");
            Actual.add(kept.putArray("batch_of_step"), batchOfStep);
            Actual.add(kept.putArray("loss_before_step"), losses);
            Actual.add(kept.putArray("kept_after_steps"), keptAfter);
            findings.figure(
                    "trajectory_loss_abs",
                    worst(losses, OracleCase.list(golden, "loss_before_step")),
                    at.tolerance("trajectory_loss_abs"));
        }

        private void keep(int step, LoraWeights init, LoraWeights now) {
            String file = "trajectory/step_%03d.safetensors".formatted(step);
            SafetensorsFile golden = at.tensors(file);
            SortedMap<String, int[]> shapes = shapes(now);
            SortedMap<String, float[]> start = named(init);
            TrajectoryDistance distance = new TrajectoryDistance();
            named(now).forEach((name, values) -> {
                float[] before = start.get(name);
                if (before == null) {
                    throw new IllegalStateException("the adapter grew a tensor: " + name);
                }
                distance.add(values, OracleCase.golden(golden, name, values.length), before);
                actual.tensorIn(file, name, values, shapes.getOrDefault(name, new int[0]));
            });
            String prefix = "step_" + step;
            findings.figure(
                    prefix + "_move_rel_l2", distance.moveRelative(),
                    at.tolerance(prefix + "_move_rel_l2"));
            findings.figure(
                    prefix + "_abs_for_99_percent", distance.absoluteForMost(),
                    at.tolerance(prefix + "_abs_for_99_percent"));
        }

        /** Runs forward and backward, the gradient in the adapter, and returns the loss. */
        private double gradient(int index, TrainableAdapter adapter) {
            if (index < 0 || index >= batches.size()) {
                throw new BadCaseException(
                        "golden.json names batch %d, there are %d"
                                .formatted(index, batches.size()));
            }
            TrainingBatch batch = batches.get(index);
            double[] reference = reference(batch);
            adapter.zeroGradients();
            Loss loss = batch.loss(pass.forward(batch.rows(), adapter), reference);
            pass.backward(loss.gradient(), 0);
            return loss.value();
        }

        private double[] reference(TrainingBatch batch) {
            return batch.needsReference() ? pass.forward(batch.rows(), null) : new double[0];
        }

        private LoraWeights adapter(String start) {
            return PeftFolder.read(at.named(start + "_adapter_dir"), model.linearModules())
                    .weights();
        }

        private AdamW adamW() {
            JsonNode o = at.manifest().path("optimizer");
            if (!o.path("name").asText().equals("AdamW")) {
                throw new BadCaseException("optimizer is %s, known is AdamW".formatted(o));
            }
            JsonNode betas = OracleCase.list(o, "betas");
            return new AdamW(
                    (float) number(o, "lr"),
                    betas.path(0).floatValue(),
                    betas.path(1).floatValue(),
                    (float) number(o, "eps"),
                    (float) number(o, "weight_decay"));
        }

        private static double number(JsonNode optimizer, String key) {
            return OracleCase.number(optimizer, "optimizer", key);
        }
    }

    private static double worst(double[] got, JsonNode golden) {
        if (golden.size() != got.length) {
            throw new BadCaseException(
                    "golden.json has %d losses, there are %d".formatted(golden.size(), got.length));
        }
        double worst = 0;
        for (int i = 0; i < got.length; i++) {
            worst = Math.max(worst, Math.abs(got[i] - golden.get(i).doubleValue()));
        }
        return worst;
    }

    private static SortedMap<String, float[]> named(LoraWeights weights) {
        SortedMap<String, float[]> named = new TreeMap<>();
        weights.pairs().forEach((module, pair) -> {
            named.put(PREFIX + module + ".lora_A.weight", pair.a());
            named.put(PREFIX + module + ".lora_B.weight", pair.b());
        });
        return named;
    }

    private static SortedMap<String, int[]> shapes(LoraWeights weights) {
        SortedMap<String, int[]> shapes = new TreeMap<>();
        for (LoraPair pair : weights.pairs().values()) {
            shapes.put(
                    PREFIX + pair.module() + ".lora_A.weight",
                    new int[] {pair.rank(), pair.inFeatures()});
            shapes.put(
                    PREFIX + pair.module() + ".lora_B.weight",
                    new int[] {pair.outFeatures(), pair.rank()});
        }
        return shapes;
    }
}
