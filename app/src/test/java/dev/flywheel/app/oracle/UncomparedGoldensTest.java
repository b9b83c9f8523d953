package dev.flywheel.app.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a case gives is compared: a fault planted in any of it fails the case, in one line. */
class UncomparedGoldensTest {
    private static final String LLAMA = "models/llama-gqa-f32";
    private static final String QWEN = "tokenizers/bpe-qwen";
    private static final String PLAIN = "robustness/adapter-ok-plain";
    private static final String BANDIT = "training/bandit-pg";
    private static final String DPO = "training/dpo";
    private static final String SFT = "training/sft-qv";
    private static final String GOLDEN = "golden.json";
    private static final String MANIFEST = "manifest.json";
    private static final String BATCHES = "batches.json";
    private static final String ACCEPTED = "expected to be refused, was accepted";
    @TempDir Path folder;

    record Fault(String of, String file, String at, Consumer<ObjectNode> change, String shown) {
        @Override
        public String toString() {
            return of + "/" + file + " " + at + ": " + shown;
        }
    }

    @ParameterizedTest
    @MethodSource({"modelFaults", "trainingFaults", "tokenizerFaults", "otherFaults"})
    void aFaultInAnythingThatIsGivenFails(Fault fault) throws Exception {
        OracleCopy copy = fault.of().startsWith("models/") || fault.of().startsWith("tokenizers/")
                ? new OracleCopy(folder, fault.of())
                : new OracleCopy(folder, LLAMA, fault.of());
        copy.change(fault.of() + "/" + fault.file(), content -> {
            var parent = content.at(fault.at());
            assertThat(parent.isObject()).as("the case has %s", fault.at()).isTrue();
            fault.change().accept((ObjectNode) parent);
        });

        String line = copy.judge(fault.of()).line();

        assertThat(line).startsWith("fail")
                .contains(fault.shown())
                .doesNotContain("java.")
                .doesNotContain("Exception");
        assertThat(line.lines()).hasSize(1);
    }

    static Stream<Fault> modelFaults() {
        return Stream.of(
                model("", golden -> golden.putArray("prompts"), "prompts is empty"),
                model("", golden -> array(golden, "prompts").remove(4), "logits.4 belongs to no"),
                model("", golden -> array(golden, "prompts").set(0, 7), "prompts[0] is 7"),
                model("", golden -> golden.remove("greedy"), "greedy is missing"),
                model("", golden -> golden.putNull("greedy"), "greedy is null"),
                model("", golden -> golden.putArray("greedy"), "greedy is empty"),
                model("", golden -> golden.remove("logprobs"), "logprobs is missing"),
                model("", golden -> golden.putObject("logprobs"), "logprobs is {}"),
                model("", golden -> golden.putArray("hidden").add(1), "golden.json holds hidden"),
                model("/prompts/0", p -> array(p, "argmax").set(3, 0), "argmax after position 3"),
                model("/prompts/0", p -> p.putArray("positions"), "positions is empty"),
                model("/prompts/0", p -> array(p, "ids").set(0, 1 << 30), "ids holds 1073741824"),
                model("/greedy/0", g -> g.putArray("continuation_ids"),
                        "continuation_ids is empty"),
                model("/greedy/0", g -> g.put("min_margin", 0.03), "min_margin is 0.027"),
                model("/greedy/0/with_stop", g -> g.put("finish", "length"), "finished by stop"),
                model("/greedy/0/with_stop", g -> g.put("max_new_tokens", -5),
                        "max_new_tokens is -5"),
                model("/greedy/0/with_stop", g -> g.remove("stop_token_id"), "stop_token_id is"),
                model("/logprobs/1", l -> l.put("sum", l.get("sum").doubleValue() + 0.05),
                        "sum of"),
                model(
                        "/logprobs/0", l -> {
                            l.putArray("continuation_ids");
                            l.putArray("token_logprobs");
                        }, "continuation_ids is empty"));
    }

    static Stream<Fault> trainingFaults() {
        return Stream.of(
                training(DPO, "/warm", w -> w.put("grad_norm", 1.01 * norm(w)),
                        "warm_grad_norm_rel"),
                training(DPO, "/warm", w -> w.put("grad_norm", -norm(w)), "warm_grad_norm_rel"),
                training(DPO, "/init", w -> w.remove("grad_norm"), "grad_norm is missing"),
                training(DPO, "/init", w -> w.remove("grad_batch"), "grad_batch is missing"),
                training(DPO, "/warm/per_example_batch_0", e -> change(e, "s_chosen"),
                        "_example_rel"),
                training(BANDIT, "/init/per_example_batch_0", e -> change(e, "rho"),
                        "_example_rel"),
                training(
                        BANDIT, "/init/per_example_batch_0", e -> e.remove("pi_action"),
                        "per_example_batch_0 lacks pi_action"),
                training(DPO, "/init", i -> i.remove("per_example_batch_0"), "per_example_batch_0"),
                training(DPO, "", g -> g.remove("warm"), "warm is missing"),
                training(DPO, "", g -> g.remove("trajectory"), "trajectory is missing"),
                training(DPO, "", g -> g.putArray("grads").add(1), "golden.json holds grads"),
                training(
                        DPO, "/trajectory", t -> t.putArray("kept_after_steps"),
                        "kept_after_steps is empty"),
                training(
                        DPO, "/trajectory", t -> array(t, "kept_after_steps").remove(1),
                        "step_005.safetensors belongs to no step"),
                training(
                        DPO, "/trajectory", t -> array(t, "kept_after_steps").set(1, 500),
                        "different steps of 1 to 20"),
                training(
                        DPO, "/trajectory", t -> {
                            t.putArray("kept_after_steps");
                            t.putArray("batch_of_step");
                            t.putArray("loss_before_step");
                        }, "kept_after_steps is empty"),
                new Fault(DPO, BATCHES, "", b -> b.putArray("batches"), "batches is empty"),
                new Fault(DPO, BATCHES, "/batches/0", b -> b.putArray("examples"),
                        "examples is empty"),
                new Fault(
                        SFT, BATCHES, "/batches/0/examples/0", e -> array(e, "ids").set(1, -3),
                        "holds the token -3"),
                new Fault(
                        BANDIT, BATCHES, "/batches/0/examples/0", e -> e.put("action", 99),
                        "action 99"),
                new Fault(
                        BANDIT, BATCHES, "/batches/1/examples/1", e -> e.put("action", 0.5),
                        "action is 0.5"),
                new Fault(
                        SFT, BATCHES, "/batches/1/examples/0",
                        e -> array(e, "loss_mask").set(0, (String) null), "loss_mask is null"),
                setting(DPO, "/optimizer", "max_grad_norm", "optimizer.max_grad_norm is 0.5"),
                new Fault(
                        DPO, MANIFEST, "/optimizer", o -> o.put("amsgrad", true),
                        "optimizer.amsgrad is true"),
                new Fault(
                        DPO, MANIFEST, "/optimizer", o -> o.putArray("betas"),
                        "optimizer.betas is [], expected two"),
                setting(DPO, "/hyper", "label_smoothing", "hyper.label_smoothing is 0.5"),
                setting(SFT, "/hyper", "beta", "hyper.beta is 0.5"),
                setting(DPO, "/tolerance", "step_7_move_rel_l2", "tolerance step_7_move_rel_l2"));
    }

    static Stream<Fault> tokenizerFaults() {
        return Stream.of(
                tokens("", golden -> golden.putArray("encode"), "in encode, counts says"),
                tokens("", golden -> golden.putArray("decode"), "in decode, counts says"),
                tokens("", golden -> golden.putArray("chat"), "in chat, counts says"),
                tokens("", golden -> golden.remove("chat"), "in chat, counts says"),
                tokens("", golden -> golden.putObject("chat"), "chat is {}"),
                tokens("", golden -> array(golden, "chat").set(0, 1), "chat[0] is 1"),
                tokens("", golden -> golden.putArray("streams").add(1),
                        "golden.json holds streams"),
                tokens(
                        "/encode/0",
                        e -> e.put("round_trip_equal", !e.get("round_trip_equal").booleanValue()),
                        "round_trip_equal of"),
                tokens("/encode/0", e -> e.remove("text"), "text is missing"),
                tokens("/chat/0", e -> e.putArray("extra"), "extra is []"),
                tokens("/decode/0", e -> e.putArray("ids"), "ids is empty"));
    }

    static Stream<Fault> otherFaults() {
        return Stream.of(
                setting(LLAMA, "/tolerance", "hidden_max_abs", "tolerance hidden_max_abs"),
                new Fault(LLAMA, MANIFEST, "", m -> m.put("id", "models/other"),
                        "id is models/other"),
                new Fault(
                        LLAMA, MANIFEST, "/files/golden.json", f -> f.put("sha256", "0".repeat(64)),
                        "golden.json is not the one that was listed"),
                new Fault(
                        LLAMA, MANIFEST, "/files",
                        f -> f.putObject("more.json").put("sha256", "00"),
                        "more.json is missing"),
                new Fault(PLAIN, GOLDEN, "", golden -> golden.putArray("prompts"),
                        "prompts is empty"),
                new Fault(PLAIN, GOLDEN, "", golden -> golden.putArray("x").add(1), "holds x"),
                setting(PLAIN, "/tolerance", "seconds", "tolerance seconds"),
                new Fault(PLAIN, MANIFEST, "", m -> m.put("base_model", "a\0b"), "is no folder"),
                new Fault(LLAMA, MANIFEST, "", m -> m.put("expect", "refuse"), ACCEPTED),
                new Fault(QWEN, MANIFEST, "", m -> m.put("expect", "refuse"), ACCEPTED),
                new Fault(DPO, MANIFEST, "", m -> m.put("expect", "refuse"), ACCEPTED),
                new Fault("adapters/r4-qv", MANIFEST, "", m -> m.put("expect", "refuse"),
                        ACCEPTED));
    }

    @Test
    void aModelThatMustBeRefusedAndIsPassesThoughItHasNoResults() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.change(LLAMA + "/manifest.json", manifest -> manifest.put("expect", "refuse"));
        copy.remove(LLAMA, GOLDEN);
        assertThat(copy.judge(LLAMA).line()).contains(ACCEPTED);

        copy.change(LLAMA + "/model/config.json", config -> config.put("hidden_act", "snake2"));
        assertThat(copy.judge(LLAMA).line()).startsWith("pass").contains("snake2");
    }

    @Test
    void textsOfAModelWithoutATokenizerFail() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.remove(LLAMA, "model/tokenizer.json");

        assertThat(copy.judge(LLAMA).line()).startsWith("fail")
                .contains("text of a prompt is given, the model has no tokenizer.json");
    }

    @Test
    void anAcceptedFolderWhoseResultsAreGoneFails() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, PLAIN);
        copy.remove(PLAIN, GOLDEN);

        assertThat(copy.judge("robustness/").line()).startsWith("fail")
                .contains("bad case: golden.json is missing");
    }

    @Test
    void aFileThatIsGoneOrAnotherThanWasListedFails() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, DPO);
        Files.delete(folder.resolve(DPO).resolve("trajectory/step_005.safetensors"));
        Files.writeString(folder.resolve(LLAMA).resolve("model/generation_config.json"), "{}");

        assertThat(copy.judge("training/").line()).startsWith("fail")
                .contains("step_005.safetensors is missing")
                .doesNotContain("NoSuchFile");
        assertThat(copy.judge("models/").line()).startsWith("fail")
                .contains("generation_config.json is not the one that was listed");
    }

    @Test
    void whatNothingIsKnownOfIsNamedInTheLineAndDoesNotFail() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, DPO);
        copy.change(LLAMA + "/manifest.json", manifest -> manifest.put("remark", "as before"));
        copy.change(
                LLAMA + "/golden.json",
                golden -> ((ObjectNode) golden.at("/prompts/0")).put("language", "en"));
        copy.change(DPO + "/manifest.json", m -> m.withObject("optimizer").put("amsgrad", false));

        assertThat(copy.judge("models/").line()).startsWith("pass")
                .contains("not compared: manifest.remark, prompts.language");
        assertThat(copy.judge("training/").line()).startsWith("pass")
                .contains("not compared: optimizer.amsgrad");
    }

    @Test
    void casesWithoutChatsOrAWarmAdapterAreJudged() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, DPO, QWEN);
        copy.change(QWEN + "/golden.json", golden -> golden.putArray("chat"));
        copy.change(QWEN + "/manifest.json", m -> m.withObject("counts").put("chat", 0));
        copy.change(DPO + "/golden.json", golden -> golden.remove("warm"));
        copy.change(DPO + "/manifest.json", manifest -> {
            manifest.remove("warm_adapter_dir");
            manifest.withObject("tolerance").remove("warm_loss_abs");
            manifest.withObject("tolerance").remove("warm_grad_rel_max");
        });

        assertThat(copy.judge("tokenizers/").line()).startsWith("pass").contains("0 chats");
        assertThat(copy.judge("training/").line()).startsWith("fail")
                .contains("belongs to no warm"); // the gradients are still there

        copy.keepTensors(DPO + "/golden.safetensors", name -> !name.startsWith("warm."));
        assertThat(copy.judge("training/").line()).startsWith("pass");
    }

    private static Fault model(String at, Consumer<ObjectNode> change, String shown) {
        return new Fault(LLAMA, GOLDEN, at, change, shown);
    }

    private static Fault training(
            String of, String at, Consumer<ObjectNode> change, String shown) {
        return new Fault(of, GOLDEN, at, change, shown);
    }

    private static Fault tokens(String at, Consumer<ObjectNode> change, String shown) {
        return new Fault(QWEN, GOLDEN, at, change, shown);
    }

    private static Fault setting(String of, String at, String key, String shown) {
        return new Fault(of, MANIFEST, at, settings -> settings.put(key, 0.5), shown);
    }

    private static ArrayNode array(ObjectNode parent, String key) {
        return (ArrayNode) parent.get(key);
    }

    private static double norm(ObjectNode start) {
        return start.get("grad_norm").doubleValue();
    }

    private static void change(ObjectNode entry, String key) {
        array(entry, key).set(0, array(entry, key).get(0).doubleValue() * 1.01);
    }
}
