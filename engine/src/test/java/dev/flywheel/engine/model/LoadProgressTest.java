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
}
