package dev.flywheel.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.OracleFixtures;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.lora.ModuleShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PeftFolderTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final SortedMap<String, ModuleShape> SMALL = new TreeMap<>();

    static {
        for (int layer = 0; layer < 2; layer++) {
            SMALL.put("model.layers." + layer + ".self_attn.q_proj", new ModuleShape(6, 4));
            SMALL.put("model.layers." + layer + ".self_attn.v_proj", new ModuleShape(6, 2));
        }
    }

    @TempDir Path temp;

    @TestFactory
    Stream<DynamicTest> acceptsAndRefusesAsTheOracleSays() throws IOException {
        Path root = OracleFixtures.folder("robustness");
        List<Path> cases;
        try (Stream<Path> folders = Files.list(root)) {
            cases =
                    folders.filter(f -> f.getFileName().toString().startsWith("adapter-"))
                            .sorted()
                            .toList();
        }
        assertThat(cases).isNotEmpty();
        return cases.stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(),
                        () -> judge(folder)));
    }

    private static void judge(Path folder) throws IOException {
        JsonNode manifest = JSON.readTree(folder.resolve("manifest.json").toFile());
        SortedMap<String, ModuleShape> modules =
                OracleFixtures.modules(folder.resolve(manifest.get("base_model").asText()));
        Path adapter = folder.resolve(manifest.get("adapter_dir").asText());
        boolean accept = manifest.get("expect").asText().equals("accept");
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> {
                    if (accept) {
                        assertThat(PeftFolder.read(adapter, modules).weights().finite()).isTrue();
                    } else {
                        assertThatThrownBy(() -> PeftFolder.read(adapter, modules))
                                .isInstanceOf(AdapterException.class)
                                .message()
                                .isNotBlank()
                                .hasSizeLessThan(1000);
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "r4-qv", "r8-all", "r16-rslora", "patterns", "regex-targets", "layers-subset-bf16"
            })
    void whatIsWrittenReadsBackAsTheSameAdapter(String name) throws IOException {
        Path folder = OracleFixtures.folder("adapters").resolve(name);
        JsonNode manifest = JSON.readTree(folder.resolve("manifest.json").toFile());
        SortedMap<String, ModuleShape> modules =
                OracleFixtures.modules(folder.resolve(manifest.get("base_model").asText()));
        PeftAdapter read = PeftFolder.read(folder.resolve("adapter"), modules);
        PeftFolder.write(temp, read, "oracle/base");
        PeftAdapter again = PeftFolder.read(temp, modules);
        assertThat(again.weights().pairs()).isEqualTo(read.weights().pairs());
        assertThat(again.weights().digest()).isEqualTo(read.weights().digest());
        for (String module : read.weights().pairs().keySet()) {
            assertThat(again.weights().config().scaleOf(module))
                    .isEqualTo(read.weights().config().scaleOf(module));
        }
    }

    @Test
    void resolvesRankAndAlphaPatternsAsPeftDoes() {
        Path folder = OracleFixtures.folder("adapters").resolve("patterns");
        LoraConfig config = patternsConfig(folder);
        assertThat(config.rankOf("model.layers.0.self_attn.q_proj")).isEqualTo(4);
        assertThat(config.rankOf("model.layers.1.mlp.down_proj")).isEqualTo(2);
        assertThat(config.rankOf("model.layers.0.mlp.down_proj")).isEqualTo(8);
        assertThat(config.scaleOf("model.layers.0.self_attn.q_proj")).isEqualTo(8.0);
        assertThat(config.scaleOf("model.layers.0.self_attn.v_proj")).isEqualTo(0.5);
        assertThat(config.scaleOf("model.layers.1.self_attn.v_proj")).isEqualTo(2.0);
    }

    private static LoraConfig patternsConfig(Path folder) {
        try {
            JsonNode manifest = JSON.readTree(folder.resolve("manifest.json").toFile());
            return PeftFolder.read(
                    folder.resolve("adapter"),
                    OracleFixtures.modules(
                            folder.resolve(manifest.get("base_model").asText())))
                    .weights()
                    .config();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "use_dora, true",
        "modules_to_save, '[\"lm_head\"]'",
        "bias, '\"all\"'",
        "bias, null",
        "r, null",
        "lora_alpha, null",
        "lora_alpha, 1e300",
        "fan_in_fan_out, true",
        "lora_bias, true",
        "exclude_modules, 7",
        "kasa_config, '{}'",
        "init_lora_weights, '\"pissa\"'",
        "init_lora_weights, '\"pissa_niter_4\"'",
        "init_lora_weights, '\"OLoRA\"'",
        "init_lora_weights, '\"corda\"'",
        "init_lora_weights, '\"loftq\"'",
        "layers_pattern, '\"layers\"'",
        "use_something_new, true"
    })
    void refusesWhatItCannotComputeByName(String field, String value) throws IOException {
        PeftFolder.write(temp, start(), "small");
        Path config = temp.resolve(PeftFolder.CONFIG_FILE);
        com.fasterxml.jackson.databind.node.ObjectNode fields =
                (com.fasterxml.jackson.databind.node.ObjectNode) JSON.readTree(config.toFile());
        fields.set(field, JSON.readTree(value));
        Files.write(config, JSON.writeValueAsBytes(fields));
        assertThatThrownBy(() -> PeftFolder.read(temp, SMALL))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining(field);
    }

    @Test
    void keepsFieldsThatDoNotChangeTheNumbers() throws IOException {
        PeftAdapter adapter =
                new PeftAdapter(
                        start(),
                        new TreeMap<>(java.util.Map.of("init_lora_weights", "\"gaussian\"")));
        PeftFolder.write(temp, adapter, "small");
        assertThat(PeftFolder.read(temp, SMALL).kept())
                .containsEntry("init_lora_weights", "\"gaussian\"");
    }

    @Test
    void namesAnAdapterMadeForAnotherBase() {
        PeftFolder.write(temp, start(), "small");
        SortedMap<String, ModuleShape> wider = new TreeMap<>(SMALL);
        wider.replaceAll((module, shape) -> new ModuleShape(7, shape.outFeatures()));
        assertThatThrownBy(() -> PeftFolder.read(temp, wider))
                .hasMessageContaining("another base model");
    }

    private static LoraWeights start() {
        return LoraWeights.start(LoraConfig.of(2, 4, List.of("v_proj", "q_proj")), SMALL, 7);
    }

    @Test
    void saysWhichFileIsMissing() {
        assertThatThrownBy(() -> PeftFolder.read(temp.resolve("absent"), SMALL))
                .hasMessageContaining("adapter_config.json is missing");
    }
}
