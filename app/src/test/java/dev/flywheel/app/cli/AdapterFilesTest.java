package dev.flywheel.app.cli;

import static dev.flywheel.app.cli.CommandRun.fails;
import static dev.flywheel.app.cli.CommandRun.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.adapters.safetensors.SafetensorsHeader;
import dev.flywheel.adapters.safetensors.SafetensorsWriter;
import dev.flywheel.adapters.safetensors.TensorEntry;
import dev.flywheel.adapters.safetensors.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the adapter commands write and read as files, where something is wrong with them. */
class AdapterFilesTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path temp;

    private String model;
    private Path adapter;

    @BeforeEach
    void findCases() {
        model = ModelCommandTest.oracle("models/llama-gqa-f32/model");
        adapter = Path.of(ModelCommandTest.oracle("adapters/r4-qv")).resolve("adapter");
    }

    private static Path copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aMergeThatDoesNotFitTheTypesOfTheBaseIsRefusedAndLeavesNothing() throws IOException {
        Path base = Path.of(ModelCommandTest.oracle("models/mistral-window-f16/model"));
        Path large = copy(
                Path.of(ModelCommandTest.oracle("adapters/layers-subset-bf16")).resolve("adapter"),
                temp.resolve("large"));
        Path file = large.resolve("adapter_config.json");
        ObjectNode config = (ObjectNode) JSON.readTree(file.toFile());
        Files.writeString(file, config.put("lora_alpha", 1e7).toString());
        Path around = Files.createDirectory(temp.resolve("around"));

        fails(".weight, row ", "adapter", "merge", large, "--model", base, "--out",
                around.resolve("merged"));
        assertThat(names(around)).isEmpty();

        Path there = Files.createDirectory(around.resolve("there"));
        fails("F16 cannot hold", "adapter", "merge", large, "--model", base, "--out", there);
        assertThat(names(around)).containsExactly("there");
        assertThat(names(there)).isEmpty();
    }

    @Test
    void theMergedModelOfAReadOnlyBaseIsItsUsersToChange() throws IOException {
        Path base = copy(Path.of(model), temp.resolve("base"));
        for (String name : names(base)) {
            Files.setPosixFilePermissions(base.resolve(name),
                    PosixFilePermissions.fromString("r--r--r--"));
        }
        Path merged = temp.resolve("merged");
        json("adapter", "merge", "-o", "json", adapter, "--model", base, "--out", merged);

        assertThat(names(temp)).containsExactly("base", "merged");
        for (String name : names(merged)) {
            assertThat(Files.getPosixFilePermissions(merged.resolve(name)))
                    .contains(PosixFilePermission.OWNER_WRITE);
        }
        Path usual = Files.createDirectory(temp.resolve("usual"));
        assertThat(Files.getPosixFilePermissions(merged))
                .isEqualTo(Files.getPosixFilePermissions(usual));
    }

    @Test
    void whereNothingCanBeWrittenIsSaidInWords() throws IOException {
        Path data = temp.resolve("data");
        json("adapter", "import", "-o", "json", adapter, "--model", model, "--name",
                "default/mine", "--data", data);
        fails("does not exist", "adapter", "export", "default/mine", "--data", data, "--out",
                "/proc/none/x");
        fails("does not exist", "adapter", "merge", adapter, "--model", model, "--out",
                "/proc/none/x");
        Path file = Files.createFile(temp.resolve("file"));
        fails("a file of that name exists", "adapter", "export", "default/mine", "--data", data,
                "--out",
                file.resolve("x"));
    }

    @Test
    void anExportIsWholeAndAlone() throws IOException {
        Path data = temp.resolve("data");
        json("adapter", "import", "-o", "json", adapter, "--model", model, "--name",
                "default/mine", "--data", data);
        Path out = Files.createDirectory(temp.resolve("out"));
        json("adapter", "export", "-o", "json", "default/mine", "--data", data, "--out", out);
        assertThat(names(out)).containsExactly("README.md", "adapter_config.json",
                "adapter_model.safetensors", "flywheel.json");
        assertThat(names(temp)).containsExactly("data", "out");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "{\"format\":\"flywheel-adapter/1\"}; has no field 'digest'",
        "null; is null, it must be a JSON object",
        "5; is 5, it must be a JSON object",
        "[]; is [], it must be a JSON object",
        "''; is missing, it must be a JSON object",
        "{; is no valid JSON",
        "{}; format is missing, supported is \"flywheel-adapter/1\"",
        "{\"format\":[1]}; format is [1], supported is",
        "{\"format\":\"flywheel-adapter/1\",\"version\":\"a\"}; has no field 'digest'",
        "{\"format\":\"flywheel-adapter/1\",\"digest\":\"AB\"}; digest \"AB\", it must be 64",
        "{\"format\":\"flywheel-adapter/1\",\"digest\":7}; digest 7, it must be a text",
        "{\"format\":\"flywheel-adapter/1\",\"x\":7}; has a field 'x', flywheel-adapter/1 has none"
    })
    void aFlywheelJsonThatIsNoneIsRefusedByField(String text, String expected) throws IOException {
        Path folder = copy(adapter, temp.resolve("adapter"));
        Files.writeString(folder.resolve("flywheel.json"), text);
        fails("flywheel.json", "adapter", "verify", folder, "--model", model);
        fails(expected, "adapter", "verify", folder, "--model", model);
    }

    @Test
    void numbersAndFoldersInPlaceOfFlywheelJsonAreRefused() throws IOException {
        Path folder = copy(adapter, temp.resolve("adapter"));
        Files.writeString(folder.resolve("flywheel.json"),
                "{\"format\":\"flywheel-adapter/1\",\"digest\":\"%s\",\"version\":\"a\"}"
                        .formatted("0".repeat(64)));
        fails("version \"a\", it must be a whole number", "adapter", "verify", folder, "--model",
                model);
        Files.delete(folder.resolve("flywheel.json"));
        Files.createDirectory(folder.resolve("flywheel.json"));
        fails("flywheel.json is no file", "adapter", "verify", folder, "--model", model);
    }

    @Test
    void theDifferenceFromAnAdapterThatChangesNothingIsNoShare() throws IOException {
        Path bare = copy(adapter, temp.resolve("bare"));
        Path weights = bare.resolve("adapter_model.safetensors");
        SafetensorsFile file = SafetensorsFile.read(weights, 1 << 24);
        SafetensorsWriter writer = new SafetensorsWriter();
        for (String name : file.names()) {
            int[] shape = file.shape(name).stream().mapToInt(Math::toIntExact).toArray();
            float[] values = file.floats(name);
            writer.add(name, TensorType.F32,
                    name.contains("lora_B") ? new float[values.length] : values, shape);
        }
        Files.write(weights, writer.toBytes());

        CommandRun text = CommandRun.of("adapter", "diff", bare, adapter);
        assertThat(text.out()).contains("the first changes nothing").doesNotContain("Infinity");
        assertThat(text.code()).isEqualTo(1);
        JsonNode json = JSON.readTree(CommandRun.of("adapter", "diff", "-o", "json", bare, adapter)
                .out());
        assertThat(json.get("relative").isNull()).isTrue();
        assertThat(json.get("difference").doubleValue()).isPositive();
    }

    @Test
    void aBaseThatIsNotFiniteIsToldBeforeAnAdapterIsBlamed() throws IOException {
        Path base = copy(Path.of(model), temp.resolve("base"));
        Path weights = base.resolve("model.safetensors");
        TensorEntry norm = SafetensorsHeader.read(weights, 1 << 20)
                .tensors()
                .get("model.layers.1.input_layernorm.weight");
        byte[] bytes = Files.readAllBytes(weights);
        ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(Math.toIntExact(norm.begin()), Float.NaN);
        Files.write(weights, bytes);

        fails("the base model makes logits that are not finite", "adapter", "verify", adapter,
                "--model", base);
        fails("the base model makes logits that are not finite", "model", "info", "--model", base);
        fails("prompt 0, position 1: the score of token 0 is NaN; a weight of the base", "model",
                "generate", "--model", base, "--ids", "1,2");
        fails("prompt 0, position 0: the score of token 0 is NaN", "model", "score", "-o", "json",
                "--model", base, "--ids", "1,2");
        fails("or of adapter " + adapter, "model", "logits", "--model", base, "--ids", "1,2",
                "--adapter", adapter);
    }

    @Test
    void aDataFolderHoldsAdaptersOfOneBase() throws IOException {
        Path data = temp.resolve("data");
        JsonNode first = json("adapter", "import", "-o", "json", adapter, "--model", model,
                "--name", "default/mine", "--data", data);
        fails("the data folder belongs to base " + first.get("baseDigest").textValue()
                + " (adapter default/mine)", "adapter", "import", adapter, "--model", model,
                "--weights", "q8", "--name", "default/other", "--data", data);
        json("adapter", "import", "-o", "json", adapter, "--model", model, "--name", "default/two",
                "--data", data);
    }

    @Test
    void theBaseThatAnAdapterNamesIsTold() throws IOException {
        String name = JSON.readTree(adapter.resolve("adapter_config.json").toFile())
                .get("base_model_name_or_path")
                .textValue();
        assertThat(json("adapter", "verify", "-o", "json", adapter, "--model", model)
                .get("baseModel")
                .textValue()).isEqualTo(name);
        assertThat(CommandRun.of("adapter", "verify", adapter, "--model", model).out())
                .contains("made for " + name);
        assertThat(CommandRun.of("adapter", "import", adapter, "--model", model, "--name", "a/b",
                "--data", temp.resolve("d")).out()).contains("made for " + name);
    }
}
