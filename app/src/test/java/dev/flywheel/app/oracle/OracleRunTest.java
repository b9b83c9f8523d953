package dev.flywheel.app.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.app.local.StartException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The oracle's cases hold, and a fault planted in one is found. */
class OracleRunTest {
    private static final String LLAMA = "models/llama-gqa-f32";
    @TempDir Path folder;

    @ParameterizedTest(name = "on {0}")
    @ValueSource(strings = {"cpu", "reference"})
    void lossesGradientsAndTrajectoriesHold(String backend) {
        OracleReport report = OracleCopy.judge(OracleCopy.shared(), "training/", backend);

        assertThat(OracleCopy.failures(report)).isEmpty();
        assertThat(report.passed()).isEqualTo(report.cases().size()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"models/", "adapters/", "tokenizers/", "robustness/"})
    void allCasesHold(String prefix) {
        OracleReport report = OracleCopy.judge(OracleCopy.shared(), prefix, "cpu");

        assertThat(OracleCopy.failures(report)).isEmpty();
        assertThat(report.cases())
                .filteredOn(c -> c.outcome() == Outcome.REFUSED)
                .extracting(CaseReport::id)
                .containsExactlyElementsOf(
                        prefix.equals("adapters/") ? List.of(
                                "adapters/dora", "adapters/embedding-target", "adapters/lora-bias",
                                "adapters/modules-to-save")
                                : List.of());
        assertThat(report.passed() + report.refused()).isEqualTo(report.cases().size());
        assertThat(report.passed()).isPositive();
    }

    @Test
    void aWrongScoreFailsWithItsFigureBesideTheTolerance() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.flip(LLAMA + "/golden.safetensors", 2, 0x04); // of the last score's mantissa

        CaseReport report = copy.judge(LLAMA);

        assertThat(report.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(report.line()).contains("logits_max_abs").contains("allowed 0.000200");
        assertThat(report.problems()).isEmpty();
    }

    @Test
    void aWrongTokenOfAContinuationFails() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.change(LLAMA + "/golden.json", golden -> {
            ArrayNode ids = (ArrayNode) golden.at("/greedy/1/continuation_ids");
            ids.set(5, ids.get(5).intValue() + 1);
        });

        assertThat(copy.judge(LLAMA).line()).startsWith("fail").contains("from token 5 of");
    }

    @Test
    void aWrongLogProbabilityFails() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.change(LLAMA + "/golden.json", golden -> {
            ArrayNode values = (ArrayNode) golden.at("/logprobs/1/token_logprobs");
            values.set(0, values.get(0).doubleValue() + 0.001);
        });

        assertThat(copy.judge(LLAMA).line()).startsWith("fail").contains("token_logprob_max_abs");
    }

    @Test
    void anEngineThatReadAnotherModelFails() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.change(
                LLAMA + "/model/config.json", config -> config.put("rms_norm_eps", 0.001));

        assertThat(copy.judge(LLAMA).line()).startsWith("fail").contains("logits_max_abs");
    }

    @Test
    void anAdapterOfAnotherScaleFails() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, "adapters/r4-qv");
        copy.change(
                "adapters/r4-qv/adapter/adapter_config.json",
                config -> config.put("lora_alpha", 9));

        assertThat(copy.judge("adapters/").line()).startsWith("fail").contains("logits_max_abs");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sft-qv", "dpo", "kto", "binary", "bandit-value", "bandit-pg"})
    void anExampleThatWeighsMoreFailsLossAndGradient(String name) throws Exception {
        String id = "training/" + name;
        OracleCopy copy = new OracleCopy(folder, LLAMA, id);
        copy.change(id + "/batches.json", batches -> {
            ObjectNode example = (ObjectNode) batches.at("/batches/0/examples/0");
            example.put("weight", example.path("weight").doubleValue() + 0.25);
        });

        assertThat(copy.judge("training/").line()).startsWith("fail").contains("warm_grad_rel_max");
    }

    @Test
    void aForgottenWeightDecayFailsTheTrajectoryAlone() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, "training/dpo");
        copy.change(
                "training/dpo/manifest.json",
                manifest -> manifest.withObject("optimizer").put("weight_decay", 0));

        assertThat(copy.judge("training/").line()).startsWith("fail")
                .contains("step_20_move_rel_l2")
                .doesNotContain("grad_rel_max");
    }

    @Test
    void aValidAdapterThatOughtToBeRefusedFails() throws Exception {
        String id = "robustness/adapter-ok-plain";
        OracleCopy copy = new OracleCopy(folder, LLAMA, id);
        copy.change(id + "/manifest.json", manifest -> manifest.put("expect", "refuse"));

        assertThat(copy.judge("robustness/").line()).startsWith("fail").contains("was accepted");
    }

    @Test
    void aRefusalIsAllowedOnlyWhereTheCaseAllowsItAndForAFeatureThatIsNotSupported()
            throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA);
        copy.change(LLAMA + "/model/config.json", config -> config.put("hidden_act", "snake2"));

        assertThat(copy.judge(LLAMA).line()).startsWith("fail").contains("must be supported");

        copy.change(
                LLAMA + "/manifest.json", manifest -> manifest.put("expect", "match_or_refuse"));
        assertThat(copy.judge(LLAMA).outcome()).isEqualTo(Outcome.REFUSED);

        Files.writeString(folder.resolve(LLAMA).resolve("model/config.json"), "{");
        assertThat(copy.judge(LLAMA).line()).startsWith("fail").contains("not as a feature");
    }

    @Test
    void aCaseThatCannotBeJudgedFailsInOneLineAndTheOthersGoOn() throws Exception {
        OracleCopy copy = new OracleCopy(folder, LLAMA, "robustness/adapter-nan");
        copy.change(LLAMA + "/manifest.json", manifest -> manifest.remove("tolerance"));
        Files.createDirectories(folder.resolve("models/broken"));
        Files.writeString(folder.resolve("models/broken/manifest.json"), "[1,");
        Files.writeString(
                folder.resolve("INDEX.json"),
                "{\"format\":\"flywheel-oracle/1\",\"cases\":[{\"id\":\"models/gone\"}]}");

        OracleReport report = OracleCopy.judge(folder, "", "cpu");

        assertThat(OracleCopy.failures(report)).hasSize(3)
                .allMatch(line -> line.contains("bad case: ") && line.lines().count() == 1);
        assertThat(report.passed()).isEqualTo(1);
        assertThat(report.held()).isFalse();
    }

    @Test
    void foldersAndPrefixesWithoutCasesAreRefusedWithWhatToName() throws Exception {
        assertThatThrownBy(() -> OracleFolder.find(folder.resolve("gone"), ""))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("is no folder");
        assertThatThrownBy(() -> OracleFolder.find(folder, ""))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("neither an INDEX.json nor a case");
        Path one = Files.createDirectories(folder.resolve("models/one"));
        Files.writeString(one.resolve("manifest.json"), "{}");
        assertThatThrownBy(() -> OracleFolder.find(folder, "modles/"))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("modles/");
        assertThat(OracleFolder.find(one, "")).containsOnlyKeys("models/one");
        Files.writeString(
                folder.resolve("INDEX.json"),
                "{\"format\":\"flywheel-oracle/1\",\"cases\":[{\"id\":\"../../etc\"}]}");
        assertThatThrownBy(() -> OracleFolder.find(folder, ""))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("expected a path below the folder");
    }
}
