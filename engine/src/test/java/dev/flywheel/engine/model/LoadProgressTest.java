package dev.flywheel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LoadProgressTest {
    @TempDir Path folder;

    @Test
    void progressEndsWithEveryByteAndTheDigestIsThatOfTheWholeFiles() throws IOException {
        List<Long> told = new ArrayList<>();
        List<Path> files =
                List.of(folder.resolve("config.json"), folder.resolve("model.safetensors"));
        try (Backend backend = Backends.open("reference", 1)) {
            TinyModels.load(folder, backend, TinyModels.llama(), 1).close();
            long size = Files.size(files.get(0)) + Files.size(files.get(1));
            try (BaseModel model = BaseModel.load(folder, backend, (bytes, of) -> {
                assertThat(of).isEqualTo(size);
                told.add(bytes);
            })) {
                assertThat(told).isSorted().hasSizeBetween(1, LoadProgress.STEPS + 1);
                assertThat(told.getLast()).isEqualTo(size);
                Digest.Stream whole = Digest.stream();
                for (Path file : files) {
                    whole.field(String.valueOf(file.getFileName()))
                            .field(Long.toString(Files.size(file)))
                            .update(file);
                }
                assertThat(model.digest()).isEqualTo(whole.finish());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsQuantizedIsGoneThroughTwice(WeightFormat format) throws IOException {
        List<Long> told = new ArrayList<>();
        List<Long> totals = new ArrayList<>();
        ModelSpec spec = TinyModels.llama();
        long linear = ModelWeights.shapes(spec)
                .entrySet()
                .stream()
                .filter(tensor -> new TensorNames(spec.family()).isLinear(tensor.getKey()))
                .mapToLong(tensor -> 2L * tensor.getValue().get(0) * tensor.getValue().get(1))
                .sum();
        try (Backend backend = Backends.open("reference", 1)) {
            TinyModels.load(folder, backend, spec, 1).close();
            long size = Files.size(folder.resolve("config.json"))
                    + Files.size(folder.resolve("model.safetensors"));
            BaseModel.load(folder, backend, format, (bytes, of) -> {
                told.add(bytes);
                totals.add(of);
            }).close();
            long expected = size + (format == WeightFormat.STORED ? 0 : linear);
            assertThat(totals).containsOnly(expected);
            assertThat(told).isSorted().doesNotHaveDuplicates().endsWith(expected);
            if (format != WeightFormat.STORED) {
                assertThat(told.getFirst()).as("told before files are read").isLessThan(linear);
            }
        }
    }
}
