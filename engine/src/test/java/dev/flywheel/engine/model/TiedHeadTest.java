package dev.flywheel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.adapters.safetensors.TensorType;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.reference.ReferenceBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of an output head that the files hold although the configuration ties it. */
class TiedHeadTest {
    private static final String TABLE = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";
    private static final ModelSpec SPEC = TinyModels.llama();

    @TempDir Path folder;

    /** Writes a tied model; the table and the head as given, all else zero. */
    private BaseModel load(Backend backend, SortedMap<String, float[]> tables, TensorType headType)
            throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        int[] shape = {SPEC.vocabSize(), SPEC.hiddenSize()};
        ModelWeights.shapes(SPEC).forEach((name, dims) -> {
            if (!name.equals(TABLE)) {
                int[] sizes = dims.stream().mapToInt(Integer::intValue).toArray();
                int elements = Arrays.stream(sizes).reduce(1, Math::multiplyExact);
                writer.add(name, TensorType.F32, new float[elements], sizes);
            }
        });
        tables.forEach((name, values) -> writer.add(
                name, name.equals(HEAD) ? headType : TensorType.F32, values, shape));
        Files.write(folder.resolve("config.json"), SPEC.toConfigJson("float32"));
        Files.write(folder.resolve("model.safetensors"), writer.toBytes());
        return BaseModel.load(folder, backend);
    }

    private static float[] table(float value) {
        float[] table = new float[SPEC.vocabSize() * SPEC.hiddenSize()];
        Arrays.fill(table, value);
        return table;
    }

    private boolean tied(SortedMap<String, float[]> tables, TensorType headType)
            throws IOException {
        try (Backend backend = new ReferenceBackend();
                BaseModel model = load(backend, tables, headType)) {
            assertThat(model.weights().head().equals(model.weights().embedding()))
                    .isEqualTo(model.spec().tiedEmbeddings());
            return model.spec().tiedEmbeddings();
        }
    }

    @Test
    void theSameNumbersTwiceAreOneTableHoweverTheyAreStored() throws IOException {
        SortedMap<String, float[]> tables = new TreeMap<>();
        tables.put(TABLE, table(0.5f));
        assertThat(tied(tables, TensorType.F32)).isTrue();
        tables.put(HEAD, table(0.5f));
        assertThat(tied(tables, TensorType.F32)).isTrue();
        assertThat(tied(tables, TensorType.BF16)).isTrue();
    }

    @Test
    void aHeadThatDiffersInOneNumberIsUsedForWhatItIs() throws IOException {
        SortedMap<String, float[]> tables = new TreeMap<>();
        tables.put(TABLE, table(0.5f));
        float[] head = table(0.5f);
        head[head.length - 1] = 0.25f;
        tables.put(HEAD, head);
        assertThat(tied(tables, TensorType.F32)).isFalse();
        assertThat(tied(tables, TensorType.BF16)).isFalse();
    }

    @Test
    void aHeadAloneIsTheTable() throws IOException {
        SortedMap<String, float[]> tables = new TreeMap<>();
        tables.put(HEAD, table(0.5f));
        assertThat(tied(tables, TensorType.F32)).isTrue();
    }

    @Test
    void neitherIsRefusedByName() {
        assertThatThrownBy(() -> tied(new TreeMap<>(), TensorType.F32))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("the weights lack " + TABLE);
    }
}
