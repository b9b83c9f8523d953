package dev.flywheel.app.setting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.app.config.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingTreeTest {
    private final SettingTree tree =
            new SettingTree(AdapterRecord.getDefaultInstance(), SettingTree.ALL);

    @TempDir Path folder;

    @Test
    void valuesOfEveryKindAreSetByTheirPath() {
        tree.set("lora.rank", "4");
        tree.set("lora.target_modules", "q_proj, v_proj");
        tree.set("lora.rank_stabilized", "true");
        tree.set("lora.module_ranks[model.layers.0.self_attn.q_proj]", "2");
        tree.set("round.learning_rate", "5e-4");
        tree.set("release", "manual");
        tree.set("learning.click.loss", "binary");
        tree.set("learning.click.observation_millis", "30s");
        tree.set("learning.correction.attribution_millis", "86400000");
        tree.set("learning.guard.consent_required", "true");
        tree.set("quota.requests_max", "4294967295");
        AdapterRecord set = tree.adapter();
        assertThat(set.getLora().getRank()).isEqualTo(4);
        assertThat(set.getLora().getTargetModulesList()).containsExactly("q_proj", "v_proj");
        assertThat(set.getLora().getRankStabilized()).isTrue();
        assertThat(set.getLora().getModuleRanksMap())
                .containsEntry("model.layers.0.self_attn.q_proj", 2);
        assertThat(set.getRound().getLearningRate()).isEqualTo(5e-4);
        assertThat(set.getRelease()).isEqualTo(ReleasePolicy.RELEASE_POLICY_MANUAL);
        assertThat(set.getLearning().getClick().getLoss()).isEqualTo(Loss.LOSS_BINARY);
        assertThat(set.getLearning().getClick().getObservationMillis()).isEqualTo(30_000);
        assertThat(set.getLearning().getCorrection().getAttributionMillis())
                .isEqualTo(86_400_000);
        assertThat(set.getLearning().getGuard().getConsentRequired()).isTrue();
        assertThat(set.getQuota().getRequestsMax()).isEqualTo(-1);
    }

    @Test
    void whatIsUnsetSaysNothingAnyMoreAloneOrByTheGroup() {
        tree.set("learning.click.weight", "2");
        tree.set("learning.click.loss", "binary");
        tree.set("exploration.epsilon", "0");
        tree.unset("learning.click.loss");
        assertThat(tree.adapter().getLearning().getClick().getLoss())
                .isEqualTo(Loss.LOSS_UNSPECIFIED);
        assertThat(tree.adapter().getLearning().getClick().getWeight()).isEqualTo(2);
        tree.unset("learning.click");
        tree.unset("exploration");
        assertThat(tree.adapter().getLearning().hasClick()).isFalse();
        assertThat(tree.adapter().hasExploration()).isFalse();
    }

    @Test
    void whatIsUnsetForOneModuleStaysSetForTheOthers() {
        tree.set("lora.module_ranks[a.q_proj]", "2");
        tree.set("lora.module_ranks[b.q_proj]", "4");
        tree.set("lora.module_alphas[a.q_proj]", "8");
        tree.unset("lora.module_ranks[a.q_proj]");
        tree.unset("lora.module_ranks[c.q_proj]");
        assertThat(tree.adapter().getLora().getModuleRanksMap()).containsExactly(
                Map.entry("b.q_proj", 4));
        assertThat(tree.adapter().getLora().getModuleAlphasMap()).containsOnlyKeys("a.q_proj");
    }

    @ParameterizedTest(name = "{0} = {1}")
    @CsvSource(delimiter = '|', value = {
        "learning.clik.loss | binary | unknown setting learning.clik.loss; known beside it: click, dismiss",
        "rond.steps | 1 | unknown setting rond.steps; known beside it: lora, round, release",
        "name | x | unknown setting name",
        "head | 1 | unknown setting head",
        "round.steps.more | 1 | unknown setting round.steps.more",
        "round.steps[x] | 1 | unknown setting round.steps[x]",
        "round | 1 | setting round is a group of settings; set one of learning_rate, beta1",
        "lora.module_ranks | 1 | setting lora.module_ranks names no module",
        "round.steps | 1.5 | setting round.steps is '1.5', it must be a whole number",
        "round.steps | -1 | setting round.steps is '-1', it must be a whole number",
        "round.steps | 0777 | setting round.steps is '0777', it must be a whole number",
        "round.learning_rate | NaN | setting round.learning_rate is 'NaN', it must be a number",
        "round.learning_rate | 1,5 | setting round.learning_rate is '1,5', it must be a number",
        "learning.click.loss | rank | it must be one of NONE, LISTWISE, BINARY, BANDIT",
        "release | unspecified | it must be one of IMMEDIATE, MANUAL",
        "learning.guard.consent_required | yes | it must be true or false",
        "learning.click.observation_millis | 30 s | or a number with a unit out of ms, s, m, h, d",
    })
    void whatCannotBeIsRefusedByItsName(String path, String value, String expected) {
        assertThatThrownBy(() -> tree.set(path, value))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(expected);
        assertThat(SettingLines.changes(AdapterRecord.getDefaultInstance(), tree.adapter()))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"round", "round.steps", "release", "lora.rank"})
    void whatEveryAdapterHasCannotBeUnset(String path) {
        assertThatThrownBy(() -> tree.unset(path)).hasMessageContaining(path)
                .hasMessageContaining("cannot be unset");
    }

    @Test
    void whatIsFixedWhenAnAdapterIsMadeCannotBeChangedLater() {
        tree.set("lora.rank", "4");
        tree.set("lora.module_ranks[a.q_proj]", "2");
        SettingTree later = new SettingTree(tree.adapter(), SettingTree.CHANGEABLE);
        assertThatThrownBy(() -> later.set("lora.rank", "8")).hasMessageContaining(
                "setting lora.rank is to be 8; it is fixed when an adapter is made, here at 4;"
                        + " leave it out, or make another adapter");
        assertThatThrownBy(() -> later.set("lora.module_ranks[b.q_proj]", "2"))
                .hasMessageContaining("setting lora.module_ranks[b.q_proj] is to be 2;")
                .hasMessageContaining("here at unset");
        assertThatThrownBy(() -> later.unset("lora.module_ranks[a.q_proj]"))
                .hasMessageContaining("setting lora.module_ranks[a.q_proj] is to be unset;")
                .hasMessageContaining("here at 2");
        later.set("lora.rank", "4");
        later.set("lora.module_ranks[a.q_proj]", "2");
        later.unset("lora.module_ranks[MODULE]");
        assertThat(later.adapter()).isEqualTo(tree.adapter());
    }

    @Test
    void aFileHoldsTheSameTreeInYamlOrJson() throws IOException {
        Path yaml = Files.writeString(folder.resolve("a.yaml"), """
                round: {learning_rate: 0.001}
                learning:
                  click: {loss: binary, observation_millis: 10m}
                lora:
                  target_modules: [q_proj, v_proj]
                exploration:
                  epsilon:
                """);
        Path json = Files.writeString(folder.resolve("a.json"), """
                {"round": {"learning_rate": 1e-3}, "lora": {"target_modules": ["q_proj", "v_proj"]},
                 "learning": {"click": {"loss": "BINARY", "observation_millis": 600000}}}
                """);
        tree.set("exploration.epsilon", "1");
        SettingFile.lay(yaml, tree);
        SettingTree other = new SettingTree(AdapterRecord.getDefaultInstance(), SettingTree.ALL);
        SettingFile.lay(json, other);
        assertThat(tree.adapter().toBuilder().clearExploration().build())
                .isEqualTo(other.adapter());
        assertThat(tree.adapter().getExploration().hasEpsilon()).isFalse();
        assertThat(other.adapter().getLearning().getClick().getObservationMillis())
                .isEqualTo(600_000);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
        "round: {stepz: 1} | unknown setting round.stepz",
        "round: {steps: 1, steps: 2} | Duplicate",
        "round: {steps: [1, [2]]} | setting round.steps holds [2]",
        "round: {steps: | neither YAML nor JSON",
        "just text | no groups of settings",
        "round: {steps: } | cannot be unset",
        "round: 3 | is a group of settings",
    })
    void aFileThatCannotBeIsRefusedByItsPathAndTheSetting(String text, String expected)
            throws IOException {
        Path file = Files.writeString(folder.resolve("bad.yaml"), text);
        assertThatThrownBy(() -> SettingFile.lay(file, tree)).isInstanceOf(ConfigException.class)
                .hasMessageContaining("bad.yaml")
                .hasMessageContaining(expected);
        assertThatThrownBy(() -> SettingFile.lay(folder.resolve("none"), tree))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--settings");
    }
}
