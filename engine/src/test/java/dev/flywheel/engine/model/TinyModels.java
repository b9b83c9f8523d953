package dev.flywheel.engine.model;

import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.training.FullTraining;
import java.nio.file.Path;
import java.util.List;

/** Models of random weights, small enough to make in a test. */
public final class TinyModels {
    private TinyModels() {}

    /** Returns the shape of a Llama model with two layers, hidden 16 and 31 tokens. */
    public static ModelSpec llama() {
        return new ModelSpec(
                Family.LLAMA, 31, 16, 24, 2, 4, 2, 4, 1e-5f, Activation.SILU, false, false, false,
                true, 64, Rope.plain(10_000), 0.3f, 1, List.of(2));
    }

    /** Writes a model of random weights into the folder and loads it. */
    public static BaseModel load(Path folder, Backend backend, ModelSpec spec, long seed) {
        try (FullTraining training =
                FullTraining.start(spec, backend, new DeviceLoop(1, () -> 0), 1, seed)) {
            training.save(folder);
        }
        return BaseModel.load(folder, backend);
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
