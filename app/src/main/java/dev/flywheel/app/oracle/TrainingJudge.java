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
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.engine.training.TrainableAdapter;
import dev.flywheel.engine.training.TrainingPass;
import dev.flywheel.trainer.objective.Loss;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Cases of kind {@code training}: losses, gradients tensor by tensor, and an optimizer's path. */
final class TrainingJudge implements Judge {
    private static final String GOLDEN_TENSORS = "golden.safetensors";
    private static final String PREFIX = "base_model.model.";
    private static final String TRAJECTORY = "trajectory/";
    private static final Set<String> PARTS = Set.of("init", "warm", "trajectory");
    private static final Set<String> START =
            Set.of("grad_batch", "grad_norm", "per_example_batch_0", "loss_per_batch");
    private static final Set<String> PATH =
            Set.of("batch_of_step", "kept_after_steps", "loss_before_step");
    private static final Set<String> OPTIMIZER =
            Set.of("name", "lr", "betas", "eps", "weight_decay");

    /**
     * How much further than a loss, which is a mean, what it is the mean of may be off: scores are sums
     * over all tokens of an answer, and weights grow with their exponential.
     */
    private static final double PER_EXAMPLE = 10;

    private final Bases bases;

    TrainingJudge(Bases bases) {
        this.bases = bases;
    }

    @Override
    public void judge(OracleCase at, Findings findings, Actual actual) {
        BaseModel model = bases.load(at.named("base_model"));
        List<TrainingBatch> batches = batches(at, model.spec().vocabSize(), findings);
        int rowsMax = batches.stream().mapToInt(batch -> batch.rows().rows()).max().orElse(1);
        try (TrainingPass pass = new TrainingPass(
                model, new DeviceLoop(1, System::nanoTime), rowsMax)) {
            JsonNode golden = at.json("golden.json");
            KnownKeys.golden(golden, PARTS, findings);
            Run run = new Run(at, golden, model, pass, batches, findings, actual);
            run.gradients("init");
            if (golden.has("warm") || at.manifest().has("warm_adapter_dir")) {
                run.gradients("warm");
            }
            run.requireAllCompared();
            run.trajectory();
        }
    }

    private static List<TrainingBatch> batches(OracleCase at, int vocabSize, Findings findings) {
        List<TrainingBatch> batches = new ArrayList<>();
        try {
            var toBatch = TrainingBatch.of(at, findings);
            for (JsonNode entry : Entries.objects(at.json("batches.json"), "batches")) {
                TrainingBatch batch = toBatch.apply(entry);
                requireInVocabulary(batch.rows(), vocabSize);
                // The loss of anything at all tells whether the examples make sense.
                double[] zeros = new double[batch.rows().targets().size()];
                batch.loss(zeros, zeros);
                batches.add(batch);
            }
        } catch (IllegalArgumentException e) {
            throw new BadCaseException("batches.json or hyper: " + e.getMessage(), e);
        }
        return batches;
    }

    private static void requireInVocabulary(PackedBatch rows, int vocabSize) {
        IntStream.concat(
                IntStream.of(rows.tokens()),
                rows.targets().stream().mapToInt(PackedBatch.Target::token))
                .filter(token -> token < 0 || token >= vocabSize)
                .findFirst()
                .ifPresent(token -> {
                    throw new BadCaseException(
                            "batches.json holds the token %d, the vocabulary has 0 to %d"
                                    .formatted(token, vocabSize - 1));
                });
    }

    /** One case on its way. */
    private record Run(
            OracleCase at,
            JsonNode golden,
            BaseModel model,
            TrainingPass pass,
            List<TrainingBatch> batches,
            Findings findings,
            Actual actual) {

        void gradients(String start) {
            JsonNode golden = Entries.object(this.golden.path(start), start);
            KnownKeys.entry(start, golden, START, findings);
            int gradientBatch = Entries.whole(golden, "grad_batch");
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
                compareNorm(
                        start, adapter.gradientNorm(),
                        Entries.number(golden.path("grad_norm"), "grad_norm"));
            }
            describedAsGolden(
                    described,
                    Entries.object(golden.path("per_example_batch_0"), "per_example_batch_0"),
                    start);
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

        /** Each tensor agrees within its own largest value, so the norm does within itself. */
        private void compareNorm(String start, double norm, double expected) {
            double difference = Math.abs(norm - expected);
            findings.figure(
                    start + "_grad_norm_rel",
                    expected == 0 ? difference : difference / Math.abs(expected),
                    at.tolerance(start + "_grad_rel_max"));
        }

        private void describedAsGolden(ObjectNode described, ObjectNode golden, String start) {
            String what = start + ".per_example_batch_0";
            for (Map.Entry<String, JsonNode> value : described.properties()) {
                if (!golden.has(value.getKey())) {
                    throw new BadCaseException(what + " lacks " + value.getKey());
                }
            }
            Set<String> known = new HashSet<>();
            described.fieldNames().forEachRemaining(known::add);
            KnownKeys.entry(what, golden, known, findings);
            if (!described.isEmpty()) {
                double worst = 0;
                for (String key : known) {
                    worst = Math.max(
                            worst,
                            Difference.relative(
                                    described.path(key), golden.path(key), what + "." + key));
                }
                findings.figure(
                        start + "_per_example_rel", worst,
                        PER_EXAMPLE * at.tolerance(start + "_loss_abs"));
            }
        }

        /** Tensors and steps that nothing named would be passed over. */
        void requireAllCompared() {
            for (String name : at.tensors(GOLDEN_TENSORS).names()) {
                String start = name.substring(0, Math.max(0, name.indexOf(".grad.")));
                if (!actual.json().has(start)) {
                    if (PARTS.contains(start)) {
                        throw new BadCaseException("golden " + name + " belongs to no " + start);
                    }
                    findings.notCompared(name);
                }
            }
        }

        private int[] keptAfter(JsonNode golden, int steps) {
            int[] kept = OracleCase.ints(golden.path("kept_after_steps"), "kept_after_steps");
            Set<String> files = new HashSet<>();
            for (int step : kept) {
                if (step < 1 || step > steps || !files.add(file(step))) {
                    throw new BadCaseException(
                            "kept_after_steps is %s, expected different steps of 1 to %d"
                                    .formatted(golden.path("kept_after_steps"), steps));
                }
            }
            if (files.isEmpty()) {
                throw new BadCaseException("kept_after_steps is empty, expected one step or more");
            }
            at.manifest()
                    .path("files")
                    .propertyStream()
                    .map(Map.Entry::getKey)
                    .filter(name -> name.startsWith(TRAJECTORY) && !files.contains(name))
                    .findFirst()
                    .ifPresent(name -> {
                        throw new BadCaseException(
                                name + " belongs to no step of kept_after_steps");
                    });
            return kept;
        }

        void trajectory() {
            JsonNode golden = Entries.object(this.golden.path("trajectory"), "trajectory");
            KnownKeys.entry("trajectory", golden, PATH, findings);
            int[] batchOfStep = OracleCase.ints(golden.path("batch_of_step"), "batch_of_step");
            int[] keptAfter = keptAfter(golden, batchOfStep.length);
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
            String file = file(step);
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

        private static String file(int step) {
            return TRAJECTORY + "step_%03d.safetensors".formatted(step);
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
            KnownKeys.settings("optimizer", o, OPTIMIZER, findings);
            JsonNode betas = OracleCase.list(o, "betas");
            if (betas.size() != 2) {
                throw new BadCaseException("optimizer.betas is %s, expected two".formatted(betas));
            }
            return new AdamW(
                    (float) number(o, "lr"),
                    (float) Entries.number(betas.path(0), "optimizer.betas"),
                    (float) Entries.number(betas.path(1), "optimizer.betas"),
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
            worst = Math.max(worst, Math.abs(got[i] - Entries.number(golden.get(i), "a loss")));
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
