package dev.flywheel.engine.model;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.adapters.safetensors.TensorType;
import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Models of random weights, small enough to make in a test. */
public final class TinyModels {
    private TinyModels() {}

    /** Returns the shape of a Llama model with two layers, hidden 16 and 31 tokens. */
    public static ModelSpec llama() {
        return new ModelSpec(
                Family.LLAMA, 31, 16, 24, 2, 4, 2, 4, 1e-5f, Activation.SILU, false, false, false,
                true, 64, Rope.plain(10_000), 0.3f, 1, List.of(2), AttentionStyle.plain(4), 0,
                null);
    }

    /** Returns the shape of a model that uses everything its family has. */
    public static ModelSpec of(Family family) {
        return switch (family) {
            case LLAMA -> spec(family, new Rope(100, new Rope.YarnScaling(
                    2, 8, 32, 1, 1.2, true)), AttentionStyle.plain(4), 0, null);
            case MISTRAL -> spec(family, Rope.plain(10_000), windows(4, 5, 5, null), 0, null);
            case QWEN2 -> spec(family, Rope.plain(10_000), windows(4, 0, 3, null), 0, null);
            case QWEN3 -> spec(family, new Rope(10_000, new Rope.LinearScaling(2)),
                    AttentionStyle.plain(4), 0, null);
            case MIXTRAL -> spec(family, Rope.plain(10_000), windows(4, 6, 6, null), 0,
                    new Experts(4, 2, 24, true, List.of()));
            case QWEN3_MOE -> spec(family, Rope.plain(10_000), AttentionStyle.plain(4), 0,
                    new Experts(5, 3, 12, false, List.of(0)));
            case GEMMA2 -> spec(family, Rope.plain(10_000),
                    new AttentionStyle(6, 2, List.of(4, 0), null), 3, null);
            case GEMMA3 -> spec(family, new Rope(10_000, new Rope.LinearScaling(4)),
                    windows(6, 4, 0, Rope.plain(100)), 0, null);
        };
    }

    private static AttentionStyle windows(
            int queryScalar, int first, int second, @Nullable Rope windowed) {
        return new AttentionStyle(queryScalar, 0, List.of(first, second), windowed);
    }

    private static ModelSpec spec(
            Family family, Rope rope, AttentionStyle attention, float logitCap,
            @Nullable Experts experts) {
        boolean gemma = family == Family.GEMMA2 || family == Family.GEMMA3;
        boolean bias = family == Family.QWEN3;
        return new ModelSpec(
                family, 31, 16, 24, 2, 4, 2, 4, 1e-5f,
                gemma ? Activation.GELU_TANH : Activation.SILU, bias || family == Family.QWEN2,
                bias, false, gemma, 64, rope, 0.3f, 1, List.of(2), attention, logitCap, experts);
    }

    /** Writes a model of random weights into the folder and loads it. */
    public static BaseModel load(Path folder, Backend backend, ModelSpec spec, long seed) {
        SafetensorsWriter writer = new SafetensorsWriter();
        SeededRandom root = new SeededRandom(seed);
        ModelWeights.shapes(spec)
                .forEach((name, shape) -> writer.add(
                        name, TensorType.BF16, draw(spec, name, shape, root.split(name)),
                        shape.stream().mapToInt(Integer::intValue).toArray()));
        try {
            Files.write(folder.resolve("config.json"), spec.toConfigJson("bfloat16"));
            Files.write(folder.resolve("model.safetensors"), writer.toBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return BaseModel.load(folder, backend);
    }

    /** Matrices are normal; norms and biases are not one and zero, lest one that is left out hides. */
    private static float[] draw(
            ModelSpec spec, String name, List<Integer> shape, SeededRandom random) {
        float[] values = new float[shape.stream().reduce(1, Math::multiplyExact)];
        boolean vector = shape.size() == 1;
        if (vector && name.endsWith(".weight")) {
            Arrays.fill(values, 1 - spec.family().normOffset());
        }
        double deviation = vector ? 0.2 : spec.initializerRange();
        for (int i = 0; i < values.length; i++) {
            values[i] += (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    /** Returns an adapter whose A and B are both random, so that it changes what it applies to. */
    public static LoraWeights adapter(BaseModel model, int rank, long seed, String... targets) {
        LoraWeights start = LoraWeights.start(
                LoraConfig.of(rank, 2 * rank, List.of(targets)), model.linearModules(), seed);
        SeededRandom random = new SeededRandom(seed).split("B");
        for (LoraPair pair : start.pairs().values()) {
            for (int i = 0; i < pair.b().length; i++) {
                pair.b()[i] = (float) random.nextDouble(-0.5, 0.5);
            }
        }
        return start;
    }
}
