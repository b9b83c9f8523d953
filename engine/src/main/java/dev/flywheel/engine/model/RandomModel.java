package dev.flywheel.engine.model;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.adapters.safetensors.SafetensorsStream;
import dev.flywheel.adapters.safetensors.SafetensorsStream.Values;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.function.LongConsumer;

/** Weights that nobody trained, for measuring: as fast as trained ones of the shape, and the same wherever they are made. */
public final class RandomModel {
    private final ModelSpec spec;
    private final SortedMap<String, List<Integer>> shapes;
    private long written;

    public RandomModel(ModelSpec spec) {
        this.spec = spec;
        this.shapes = ModelWeights.shapes(spec);
    }

    /** Returns how many weights there are. */
    public long parameters() {
        return shapes.values().stream().mapToLong(RandomModel::elements).sum();
    }

    private static long elements(List<Integer> shape) {
        return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
    }

    /**
     * Writes {@code config.json} and {@code model.safetensors}: matrices are normal with the deviation that the shape starts training
     * with, norms 1, biases 0, all BF16.
     *
     * @param folder exists and has none of them
     * @param progress is told how many weights are written
     */
    public void write(Path folder, long seed, LongConsumer progress) throws IOException {
        Files.write(folder.resolve("config.json"), spec.toConfigJson("bfloat16"),
                StandardOpenOption.CREATE_NEW);
        written = 0;
        SeededRandom random = new SeededRandom(seed);
        try (FileChannel channel = FileChannel.open(folder.resolve("model.safetensors"),
                StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            SafetensorsStream.write(channel, shapes,
                    name -> counted(values(name, random.split(name)), progress));
        }
    }

    private Values counted(Values values, LongConsumer progress) {
        return (chunk, count) -> {
            values.next(chunk, count);
            written += count;
            progress.accept(written);
        };
    }

    private Values values(String name, SeededRandom random) {
        if (name.endsWith(".bias")) {
            return (chunk, count) -> Arrays.fill(chunk, 0, count, 0);
        }
        if (isVector(name)) {
            return (chunk, count) -> Arrays.fill(chunk, 0, count, 1);
        }
        return (chunk, count) -> {
            for (int i = 0; i < count; i++) {
                chunk[i] = (float) (spec.initializerRange() * random.nextGaussian());
            }
        };
    }

    private boolean isVector(String name) {
        List<Integer> shape = shapes.get(name);
        return shape != null && shape.size() == 1;
    }
}
