package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.app.FlywheelCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ModelCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MODEL = "models/llama-gqa-f32/model";
    private static final String ADAPTER = "adapters/r4-qv";

    @TempDir Path temp;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    static String oracle(String name) {
        String property = System.getProperty("flywheel.shared");
        Path at = property == null ? Path.of("").toAbsolutePath() : Path.of(property);
        for (; at != null; at = at.getParent()) {
            for (String shared : new String[] {"shared/oracle", "oracle"}) {
                if (Files.exists(at.resolve(shared).resolve(name))) {
                    return at.resolve(shared).resolve(name).toString();
                }
            }
        }
        abort("SKIPPED: no oracle case " + name + " in the shared folder; set -Dflywheel.shared");
        throw new IllegalStateException();
    }

    private static JsonNode golden() throws IOException {
        return JSON.readTree(Path.of(oracle(ADAPTER)).resolve("golden.json").toFile());
    }

    private static String list(JsonNode ids) {
        return StreamSupport.stream(ids.spliterator(), false)
                .map(JsonNode::asText)
                .collect(Collectors.joining(","));
    }

    private JsonNode json(String... args) throws IOException {
        assertThat(run(args)).as("%s", err).isZero();
        return JSON.readTree(out.toString());
    }

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        return line.execute(args);
    }

    private String[] withAdapter(String command, String... more) {
        String[] first = {"model", command, "-o", "json", "--model", oracle(MODEL), "--adapter",
            oracle(ADAPTER) + "/adapter"};
        return with(first, more);
    }

    @Test
    void writesTheLogitsOfAMixedBatch() throws IOException {
        JsonNode prompts = golden().get("prompts");
        Path file = temp.resolve("l.safetensors");
        JsonNode rows = json(withAdapter("logits", "--out", file.toString(),
                "--ids", list(prompts.get(0).get("ids")), "--ids",
                list(prompts.get(1).get("ids"))));
        assertThat(list(rows.get(0).get("argmax"))).isEqualTo(list(prompts.get(0).get("argmax")));
        assertThat(rows.get(0).get("next")).hasSize(5);
        SafetensorsFile golden = SafetensorsFile
                .read(Path.of(oracle(ADAPTER)).resolve("golden.safetensors"), 1 << 26);
        SafetensorsFile actual = SafetensorsFile.read(file, 1 << 26);
        assertThat(actual.shape("logits.1")).isEqualTo(golden.shape("logits.1"));
        assertThat(actual.floats("logits.1")).containsExactly(golden.floats("logits.1"),
                within(2e-4f));
        assertThat(json(withAdapter("logits", "--last", "--ids", "1,2,3")).get(0)
                .get("rows")
                .intValue()).isOne();
    }

    @Test
    void eachPromptOfAFileMayNameAnAdapterOfItsOwn() throws IOException {
        String base = oracle(MODEL);
        String first = oracle(ADAPTER) + "/adapter";
        String second = oracle("adapters/regex-targets") + "/adapter";
        ArrayNode input = JSON.createArrayNode();
        input.addObject().set("ids", ids());
        input.addObject().put("adapter", second).set("ids", ids());
        input.addObject().putNull("adapter").set("ids", ids());
        Path file = Files.writeString(temp.resolve("mixed.json"), input.toString());
        for (String command : new String[] {"logits", "generate", "score"}) {
            JsonNode mixed = json("model", command, "-o", "json", "--model", base, "--adapter",
                    first, "--input", file.toString());
            String[] alone = {"model", command, "-o", "json", "--model", base, "--ids",
                list(ids())};
            assertThat(mixed).hasSize(3).doesNotHaveDuplicates();
            assertThat(mixed.get(0)).isEqualTo(json(with(alone, "--adapter", first)).get(0));
            assertThat(mixed.get(1)).isEqualTo(json(with(alone, "--adapter", second)).get(0));
            assertThat(mixed.get(2)).isEqualTo(json(alone).get(0));
        }
        fails("entry 0: adapter is 3", "model", "generate", "--model", base, "--input",
                Files.writeString(temp.resolve("bad.json"), "[{\"ids\": [1], \"adapter\": 3}]")
                        .toString());
    }

    private static JsonNode ids() throws IOException {
        return golden().get("prompts").get(0).get("ids");
    }

    private static String[] with(String[] args, String... more) {
        return Stream.of(args, more).flatMap(Stream::of).toArray(String[]::new);
    }

    @Test
    void goesOnWithPromptsSideBySide() throws IOException {
        JsonNode greedy = golden().get("greedy");
        JsonNode answers = json(withAdapter("generate", "--ignore-end", "--max-tokens", "32",
                "--ids", list(greedy.get(0).get("prompt_ids")), "--ids",
                list(greedy.get(1).get("prompt_ids"))));
        for (int i = 0; i < 2; i++) {
            assertThat(list(answers.get(i).get("ids")))
                    .isEqualTo(list(greedy.get(i).get("continuation_ids")));
            assertThat(answers.get(i).get("finish").asText()).isEqualTo("length");
        }
    }

    @Test
    void drawsTheSameTokensFromTheSameSeed() throws IOException {
        String[] drawn = withAdapter("generate", "--prompt", "list", "--temperature", "1", "--seed",
                "3", "--max-tokens", "8");
        JsonNode first = json(drawn);
        assertThat(json(drawn)).isEqualTo(first);
        drawn[drawn.length - 3] = "4";
        assertThat(json(drawn)).isNotEqualTo(first);
    }

    @Test
    void scoresContinuations() throws IOException {
        JsonNode golden = golden().get("logprobs").get(0);
        JsonNode score = json(withAdapter("score", "--ids", list(golden.get("prompt_ids")),
                "--continuation-ids", list(golden.get("continuation_ids")))).get(0);
        assertThat(score.get("sum").doubleValue()).isEqualTo(golden.get("sum").doubleValue(),
                within(1e-3));
        assertThat(score.get("logProbs").get(1).doubleValue())
                .isEqualTo(golden.get("token_logprobs").get(1).doubleValue(), within(2e-4));
        assertThat(json(withAdapter("score", "--prompt", "list of arrivals")).get(0)
                .get("logProbs")
                .size())
                .as("all but the first token of the prompt itself")
                .isGreaterThan(2);
    }

    @Test
    void tellsTokensWithTheirPlaces() throws IOException {
        String folder = oracle("tokenizers/bpe-qwen");
        JsonNode guarded = json("model", "tokenize", "-o", "json", "--model", folder, "--prompt",
                "a<|im_end|>").get(0);
        JsonNode allowed = json("model", "tokenize", "-o", "json", "--model", folder, "--prompt",
                "a<|im_end|>", "--allow-control").get(0);
        assertThat(list(allowed.get("ids"))).isEqualTo("64,635");
        assertThat(allowed.get("offsets")).hasToString("[[0,1],[1,11]]");
        assertThat(guarded.get("ids").size()).isGreaterThan(2);
        assertThat(guarded.get("decoded").asText()).isEqualTo("a<|im_end|>");
        Path chat = Files.writeString(temp.resolve("c.json"),
                "[{\"role\": \"user\", \"content\": \"Hi\"}]");
        assertThat(json("model", "tokenize", "-o", "json", "--model", folder, "--chat",
                chat.toString()).get(0)
                .get("text")
                .asText()).endsWith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
        Path input = Files.writeString(temp.resolve("i.json"),
                "[{\"text\": \"a\"}, {\"ids\": [64, 635]}, {\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"add_generation_prompt\": false}]");
        JsonNode many = json("model", "tokenize", "-o", "json", "--model", folder, "--input",
                input.toString());
        assertThat(many.get(1).get("decodedWithControl").asText()).isEqualTo("a<|im_end|>");
        assertThat(many.get(2).get("text").asText()).endsWith("Hi<|im_end|>\n");
    }

    @Test
    void tellsWhatAFolderHolds() throws IOException {
        JsonNode facts = json("model", "info", "-o", "json", "--model",
                oracle("models/llama-rope3-bf16/model"));
        assertThat(facts.get("architecture").asText()).isEqualTo("LlamaForCausalLM");
        assertThat(facts.get("files").size()).isEqualTo(3);
        assertThat(facts.get("tensorTypes").fieldNames().next()).isEqualTo("BF16");
        assertThat(facts.get("modules").get("model.layers.0.self_attn.k_proj").get(0).intValue())
                .isEqualTo(32);
    }

    @Test
    void tellsWhetherANodeStartsOnAModelWithTheDefaultSettings() throws IOException {
        Path folder = Files.createDirectories(temp.resolve("model"));
        for (String file : new String[] {"config.json", "model.safetensors"}) {
            Files.copy(Path.of(oracle(MODEL)).resolve(file), folder.resolve(file));
        }
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
                 "normalizer": null, "post_processor": null, "decoder": null,
                 "pre_tokenizer": {"type": "Split", "pattern": {"String": " "},
                                   "behavior": "Isolated", "invert": false},
                 "model": {"type": "WordLevel", "unk_token": "?",
                           "vocab": {"?": 0, " ": 1, "yes": 2, "no": 3}}}
                """);
        assertThat(json("model", "info", "-o", "json", "--model", folder.toString()).get("verdict")
                .textValue())
                .contains("serving.rank.accept is \" yes\", which is 2 tokens")
                .contains("\"yes\" without the blank is one: set that");
        assertThat(run("model", "info", "--model", folder.toString())).isZero();
        assertThat(out.toString()).contains("does not start on it with the default settings");

        Path builtIn = Path.of(System.getProperty("user.dir"), "../models/flywheel-base");
        assertThat(json("model", "info", "-o", "json", "--model", builtIn.toString()).get("verdict")
                .textValue()).isEqualTo("ok");
    }

    @Test
    void saysInOneLineWhatIsWrong() throws IOException {
        fails("token id 99999 is not in the vocabulary", "model", "logits", "--model",
                oracle(MODEL), "--ids", "99999");
        fails("use_dora", "model", "info", "--model", oracle(MODEL), "--adapter",
                oracle("adapters/dora") + "/adapter");
        fails("'messages' must be a list of objects", "model", "generate", "--model", oracle(MODEL),
                "--chat",
                Files.writeString(temp.resolve("d.json"), "[1]").toString());
        fails("max_position_embeddings", "model", "generate", "--model", oracle(MODEL), "--ids",
                "1", "--max-tokens", "100000");
        assertThat(run("model", "generate", "--temperatur", "1")).isEqualTo(2);
        assertThat(run("model")).isEqualTo(2);
    }

    private void fails(String expected, String... args) {
        assertThat(run(args)).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains(expected);
    }
}
