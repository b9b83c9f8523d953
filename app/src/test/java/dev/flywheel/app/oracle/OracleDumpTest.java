package dev.flywheel.app.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.app.local.StartException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written is what was computed, all of it and nothing else. */
class OracleDumpTest {
    private static final String LLAMA = "models/llama-gqa-f32";
    private static final String DPO = "training/dpo";
    @TempDir Path folder;
    private Path cases = Path.of("");
    private Path dump = Path.of("");

    @BeforeEach
    void apart() {
        cases = folder.resolve("cases");
        dump = folder.resolve("dump");
    }

    @Test
    void whatWasComputedIsWrittenInTheLayoutOfTheGoldenFiles() throws Exception {
        new OracleCopy(
                cases, LLAMA, DPO, "robustness/adapter-nan", "robustness/adapter-ok-plain");
        OracleCopy.judge(cases, "", "cpu", dump);

        for (String id : new String[] {LLAMA, DPO, "robustness/adapter-ok-plain"}) {
            assertThat(tensors(dump, id + "/actual.safetensors").names())
                    .isEqualTo(tensors(cases, id + "/golden.safetensors").names());
        }
        assertThat(tensors(dump, DPO + "/trajectory/step_005.safetensors").names())
                .isEqualTo(
                        tensors(cases, DPO + "/init/adapter_model.safetensors").names());
        assertThat(actual(LLAMA).at("/greedy/0/continuation_ids"))
                .isEqualTo(golden(LLAMA).at("/greedy/0/continuation_ids"));
        assertThat(actual("robustness/adapter-ok-plain").toString())
                .isEqualTo("{\"accepted\":true,\"error\":\"\"}");
        assertThat(actual("robustness/adapter-nan").path("accepted").booleanValue()).isFalse();
        assertThat(actual("robustness/adapter-nan").path("error").asText()).contains("NaN");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        LLAMA,
        "training/bandit-value",
        DPO,
        "training/kto",
        "tokenizers/bpe-qwen-tools",
        "tokenizers/spm-llama2"
    })
    void everyKeyOfTheGoldenFileIsThereAndNoOther(String id) throws Exception {
        new OracleCopy(cases, LLAMA);
        if (!id.equals(LLAMA)) {
            new OracleCopy(cases, id);
        }
        OracleCopy.judge(cases, id, "cpu", dump);

        assertThat(keys(actual(id))).isEqualTo(keys(golden(id)));
    }

    @Test
    void nothingIsCopiedThatWasNotComputed() throws Exception {
        OracleCopy copy = new OracleCopy(cases, LLAMA, "tokenizers/bpe-qwen");
        copy.change(LLAMA + "/golden.json", golden -> {
            object(golden, "/prompts/0").put("entropy", 0.5);
            object(golden, "/greedy/0").put("entropy", 0.5);
            object(golden, "/greedy/0/with_stop").put("entropy", 0.5);
            object(golden, "/logprobs/0").put("entropy", 0.5);
        });
        copy.change("tokenizers/bpe-qwen/golden.json", golden -> {
            object(golden, "/encode/0").put("entropy", 0.5);
            object(golden, "/decode/0").put("entropy", 0.5);
            object(golden, "/chat/0").put("entropy", 0.5);
        });
        copy.remove(LLAMA, "model/tokenizer.json");
        OracleCopy.judge(cases, "", "cpu", dump);

        assertThat(actual(LLAMA).toString())
                .doesNotContain("entropy")
                .doesNotContain("continuation_text");
        assertThat(actual("tokenizers/bpe-qwen").toString()).doesNotContain("entropy");
    }

    @Test
    void whatAnEarlierRunWroteOfACaseIsRemoved() throws Exception {
        OracleCopy copy = new OracleCopy(cases, LLAMA, DPO, "robustness/adapter-ok-plain");
        OracleCopy.judge(cases, "", "cpu", dump);
        assertThat(dump.resolve(DPO).resolve("trajectory")).isNotEmptyDirectory();

        copy.change(DPO + "/batches.json", batches -> batches.putArray("batches"));
        OracleCopy.judge(cases, "", "cpu", dump);
        assertThat(dump.resolve(DPO)).isEmptyDirectory();

        copy.change(LLAMA + "/model/config.json", config -> config.put("hidden_act", "snake2"));
        OracleCopy.judge(cases, "", "cpu", dump);
        assertThat(dump.resolve(LLAMA)).isDirectoryContaining("glob:**/actual.json");
        assertThat(dump.resolve(LLAMA).resolve("actual.safetensors")).doesNotExist();
        assertThat(actual(LLAMA).path("error").asText()).contains("snake2");
    }

    @Test
    void ofABadCaseOnlyThatItWasNotAcceptedIsWrittenWhereThatIsAsked() throws Exception {
        OracleCopy copy = new OracleCopy(cases, LLAMA, "robustness/adapter-ok-plain");
        copy.change(LLAMA + "/golden.json", golden -> golden.putArray("logprobs"));
        copy.change("robustness/adapter-ok-plain/manifest.json", m -> m.put("adapter_dir", "gone"));
        OracleCopy.judge(cases, "", "cpu", dump);

        assertThat(dump.resolve(LLAMA)).doesNotExist();
        JsonNode verdict = actual("robustness/adapter-ok-plain");
        assertThat(verdict.path("accepted").booleanValue()).isFalse();
        assertThat(verdict.path("error").asText()).contains("adapter_dir is \"gone\"");
    }

    @Test
    void aFolderAmongTheCasesIsRefusedBeforeAnythingIsWritten() throws Exception {
        new OracleCopy(cases, LLAMA, DPO);
        Files.createSymbolicLink(folder.resolve("link"), cases);

        for (Path inside : new Path[] {
            cases, cases.resolve("dump"), cases.resolve("models/../dump"),
            folder.resolve("link/dump")
        }) {
            assertThatThrownBy(() -> OracleCopy.judge(cases, "", "cpu", inside))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining("lies inside the cases");
        }
        // The case itself was named: its parent would be written into.
        assertThatThrownBy(() -> OracleCopy.judge(cases.resolve(DPO), "", "cpu", cases))
                .isInstanceOf(StartException.class);
        new OracleCopy(folder.resolve("other"), DPO);
        assertThatThrownBy(
                () -> OracleCopy.judge(cases, "", "cpu", folder.resolve("other")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("already holds the case training/dpo");
        assertThat(folder.resolve("other").resolve(DPO).resolve("trajectory"))
                .isNotEmptyDirectory();
    }

    private static ObjectNode object(JsonNode parent, String at) {
        return (ObjectNode) parent.at(at);
    }

    /** Returns the paths of all values, without numbers of list entries. */
    private static SortedSet<String> keys(JsonNode node) {
        SortedSet<String> keys = new TreeSet<>();
        collect("", node, keys);
        return keys;
    }

    private static void collect(String path, JsonNode node, SortedSet<String> keys) {
        keys.add(path);
        node.properties().forEach(e -> collect(path + "." + e.getKey(), e.getValue(), keys));
        if (node.isArray()) {
            keys.add(path + " has " + node.size());
            node.forEach(entry -> collect(path + "[]", entry, keys));
        }
    }

    private static SafetensorsFile tensors(Path root, String file) {
        return SafetensorsFile.read(root.resolve(file), 1 << 26);
    }

    private JsonNode golden(String id) throws Exception {
        return new ObjectMapper().readTree(cases.resolve(id).resolve("golden.json").toFile());
    }

    private JsonNode actual(String id) throws Exception {
        return new ObjectMapper().readTree(dump.resolve(id).resolve("actual.json").toFile());
    }
}
