package dev.flywheel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RandomModelTest {
    private static final ModelSpec SMALL = TinyModels.llama();

    @TempDir private Path folder;

    private Path written(String name, long seed) throws Exception {
        Path made = Files.createDirectories(folder.resolve(name));
        new RandomModel(SMALL).write(made, seed, done -> {});
        return made;
    }

    /** The parameters that the makers of these models tell. */
    @ParameterizedTest
    @CsvSource({"smollm2-135m, 134515008", "qwen2.5-0.5b, 494032768", "llama-3.2-1b, 1235814400"})
    void aShapeHasAsManyWeightsAsTheModelThatItIsNamedAfter(String name, long parameters) {
        ModelSpec spec = NamedShape.labelled(name).orElseThrow().spec(0, 1);

        assertThat(new RandomModel(spec).parameters()).isEqualTo(parameters);
        assertThat(spec.eosIds()).containsExactly(1);
    }

    @Test
    void allWeightsAreWrittenAndTheModelLoads() throws Exception {
        RandomModel random = new RandomModel(SMALL);
        List<Long> progress = new ArrayList<>();
        random.write(folder, 5, progress::add);

        assertThat(progress).isSorted().last().isEqualTo(random.parameters());
        try (Backend backend = Backends.open("cpu", 1);
                BaseModel model = BaseModel.load(folder, backend)) {
            assertThat(model.spec()).isEqualTo(SMALL);
        }
    }

    @Test
    void theSeedFixesEveryByte() throws Exception {
        String file = "model.safetensors";
        byte[] five = Files.readAllBytes(written("five", 5).resolve(file));

        assertThat(Files.readAllBytes(written("again", 5).resolve(file))).isEqualTo(five);
        assertThat(Files.readAllBytes(written("six", 6).resolve(file))).isNotEqualTo(five);
    }
}
