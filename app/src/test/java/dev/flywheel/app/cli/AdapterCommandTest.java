package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.app.FlywheelCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class AdapterCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String CONFIG = "adapter_config.json";

    @TempDir Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private String model;
    private Path adapter;

    @BeforeEach
    void findCases() {
        model = ModelCommandTest.oracle("models/llama-gqa-f32/model");
        adapter = Path.of(ModelCommandTest.oracle("adapters/r4-qv")).resolve("adapter");
    }

    private int run(Object... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        String[] all = new String[args.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = String.valueOf(args[i]);
        }
        return line.execute(all);
    }

    private JsonNode json(Object... args) throws IOException {
        assertThat(run(args)).as("%s", err).isZero();
        return JSON.readTree(out.toString());
    }

    private void fails(String expected, Object... args) {
        assertThat(run(args)).isEqualTo(1);
        assertThat(err.toString().lines()).as("%s", err).hasSize(1);
        assertThat(err.toString()).contains(expected);
    }

    @Test
    void aRollbackToWhereAnAdapterIsTellsThatNothingWasTakenOut() throws IOException {
        Path data = temp.resolve("data");
        json("adapter", "import", "-o", "json", adapter, "--model", model, "--name",
                "default/mine", "--data", data);
        JsonNode told = json("rollback", "--adapter", "default/mine", "--to", 0, "--data", data,
                "-o", "json");
        assertThat(told.get("adapter").asText()).isEqualTo("default/mine");
        assertThat(told.get("quarantined").asInt()).isZero();
        assertThat(told.get("left").asInt()).isZero();
        fails("did not come from a round of version 3", "excise", "--adapter", "default/mine",
                "--version-of-round", 3, "--data", data);
    }

    @Test
    void anExportThatIsImportedAndExportedAgainHasTheSameBytes() throws IOException {
        Path data = temp.resolve("data");
        JsonNode made = json("adapter", "import", "-o", "json", adapter, "--model", model, "--name",
                "default/mine", "--data", data);
        json("adapter", "export", "-o", "json", "default/mine", "--data", data, "--out",
                temp.resolve("one"));
        json("adapter", "import", "-o", "json", temp.resolve("one"), "--model", model, "--name",
                "default/again", "--data", data);
        json("adapter", "export", "-o", "json", "default/again", "--number", "0", "--data", data,
                "--out", temp.resolve("two"));
        for (String file : new String[] {WEIGHTS, "adapter_config.json"}) {
            assertThat(temp.resolve("two").resolve(file))
                    .hasSameBinaryContentAs(temp.resolve("one").resolve(file));
        }
        assertThat(temp.resolve("one").resolve(WEIGHTS))
                .hasSameBinaryContentAs(adapter.resolve(WEIGHTS));
        JsonNode sidecar = JSON.readTree(temp.resolve("one/flywheel.json").toFile());
        assertThat(sidecar.get("digest")).isEqualTo(made.get("digest"));
        assertThat(sidecar.get("baseDigest")).isEqualTo(made.get("baseDigest"));

        fails("exists already", "adapter", "import", adapter, "--model", model, "--name",
                "default/mine", "--data", data);
        fails("there is no adapter default/none", "adapter", "export", "default/none", "--data",
                data, "--out", temp.resolve("x"));
        fails("no alias 'canary'", "adapter", "export", "default/mine", "--number", "canary",
                "--data", data, "--out", temp.resolve("x"));
        fails("is not empty", "adapter", "export", "default/mine", "--data", data, "--out",
                temp.resolve("one"));
        CommandRun.isMisuse("--name: adapter name is '../x'", "adapter", "import", adapter,
                "--model", model, "--name", "../x", "--data", data);
        Path other = otherModel();
        fails("belongs to base", "adapter", "verify", temp.resolve("one"), "--model", other);
        fails("belongs to base", "adapter", "merge", temp.resolve("one"), "--model", other, "--out",
                temp.resolve("m"));
    }

    @Test
    void anAdapterOfAQuantizedBaseFitsThatBaseAlone() throws IOException {
        Path data = temp.resolve("data");
        json("adapter", "import", "-o", "json", adapter, "--model", model, "--weights", "q4",
                "--name", "default/mine", "--data", data);
        Path exported = temp.resolve("one");
        json("adapter", "export", "-o", "json", "default/mine", "--data", data, "--out", exported);

        fails("--weights", "adapter", "verify", exported, "--model", model);
        fails("--weights", "adapter", "merge", exported, "--model", model, "--weights", "q8",
                "--out", temp.resolve("m"));
        JsonNode check = json("adapter", "verify", "-o", "json", exported, "--model", model,
                "--weights", "q4");
        JsonNode stored = json("adapter", "verify", "-o", "json", adapter, "--model", model);
        assertThat(check.get("digest")).isEqualTo(stored.get("digest"));
        assertThat(check.get("baseDigest")).isNotEqualTo(stored.get("baseDigest"));
        assertThat(check.get("probeFingerprint")).isNotEqualTo(stored.get("probeFingerprint"));
        assertThat(json("adapter", "merge", "-o", "json", exported, "--model", model, "--weights",
                "q4", "--out", temp.resolve("m")).get("merged")).hasSize(4);
    }

    /** The same shapes under another digest. */
    private Path otherModel() throws IOException {
        Path other = Files.createDirectories(temp.resolve("other"));
        for (String file : new String[] {"config.json", "model.safetensors", "tokenizer.json"}) {
            Files.copy(Path.of(model).resolve(file), other.resolve(file));
        }
        Files.writeString(other.resolve("config.json"),
                Files.readString(other.resolve("config.json")) + "\n");
        return other;
    }

    @Test
    void aChangedExportIsRefused() throws IOException {
        Path data = temp.resolve("data");
        json("adapter", "import", "-o", "json", adapter, "--model", model, "--name", "default/mine",
                "--data", data);
        json("adapter", "export", "-o", "json", "default/mine", "--data", data, "--out",
                temp.resolve("one"));
        Path weights = temp.resolve("one").resolve(WEIGHTS);
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 2] ^= 1;
        Files.write(weights, bytes);
        fails("changed since they were exported", "adapter", "verify", temp.resolve("one"),
                "--model", model);
        fails("changed since they were exported", "adapter", "import", temp.resolve("one"),
                "--model", model, "--name", "a/b", "--data", data);
        assertThat(run("adapter", "diff", adapter, temp.resolve("one"))).isEqualTo(1);
        assertThat(run("adapter", "diff", adapter, adapter)).isZero();
    }

    @Test
    void aMergedModelAnswersAsBaseAndAdapterDo() throws IOException {
        Path merged = temp.resolve("merged");
        assertThat(
                json("adapter", "merge", "-o", "json", adapter, "--model", model, "--out", merged)
                        .get("merged")
                        .size())
                .isEqualTo(4);
        JsonNode apart =
                json("model", "generate", "-o", "json", "--model", model, "--adapter", adapter,
                        "--ids", "595,561,320", "--ignore-end", "--max-tokens", "16");
        JsonNode together = json("model", "generate", "-o", "json", "--model", merged,
                "--ids", "595,561,320", "--ignore-end", "--max-tokens", "16");
        JsonNode bare = json("model", "generate", "-o", "json", "--model", model,
                "--ids", "595,561,320", "--ignore-end", "--max-tokens", "16");
        assertThat(together).isEqualTo(apart).isNotEqualTo(bare);
        assertThat(merged.resolve("tokenizer.json"))
                .hasSameBinaryContentAs(Path.of(model).resolve("tokenizer.json"));
    }

    @Test
    void tellsWhatAnAdapterIsAndWhetherItFits() throws IOException {
        JsonNode facts = json("adapter", "inspect", "-o", "json", adapter);
        assertThat(facts.get("rank").intValue()).isEqualTo(4);
        assertThat(facts.get("modules")).hasSize(4);
        JsonNode check = json("adapter", "verify", "-o", "json", adapter, "--model", model);
        assertThat(check.get("digest")).isEqualTo(facts.get("digest"));
        assertThat(check.get("effect").doubleValue()).isGreaterThan(1);
        fails("use_dora", "adapter", "inspect",
                ModelCommandTest.oracle("adapters/dora") + "/adapter");
        fails("give a PEFT folder", "adapter", "inspect", temp);
        assertThat(run("adapter")).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({
        "r16-rslora, llama-rope3-bf16", "patterns, qwen3-f32", "regex-targets, llama-gqa-f32",
        "layers-subset-bf16, mistral-window-f16", "moe-attention, qwen3-moe-bf16"})
    void ranksScalesAndTargetsOfSingleModulesAreKept(String name, String base) throws IOException {
        Path original = Path.of(ModelCommandTest.oracle("adapters/" + name), "adapter");
        String folder = ModelCommandTest.oracle("models/" + base + "/model");
        Path data = temp.resolve("d");
        json("adapter", "import", "-o", "json", original, "--model", folder, "--name", "default/it",
                "--data", data);
        json("adapter", "export", "-o", "json", "default/it", "--data", data, "--out",
                temp.resolve("e"));
        JsonNode difference = json("adapter", "diff", "-o", "json", original, temp.resolve("e"));
        assertThat(difference.get("relative").doubleValue()).isZero();
        JsonNode before = JSON.readTree(original.resolve(CONFIG).toFile());
        JsonNode after = JSON.readTree(temp.resolve("e").resolve(CONFIG).toFile());
        for (String kept : new String[] {"base_model_name_or_path", "lora_dropout", "task_type",
            "init_lora_weights", "peft_version"}) {
            assertThat(after.get(kept)).as(kept).isEqualTo(before.get(kept));
        }
        assertThat(json("adapter", "verify", "-o", "json", temp.resolve("e"), "--model", folder)
                .get("effect"))
                .isEqualTo(json("adapter", "verify", "-o", "json", original, "--model", folder)
                        .get("effect"));
    }
}
