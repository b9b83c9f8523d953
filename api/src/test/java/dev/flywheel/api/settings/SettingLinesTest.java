package dev.flywheel.api.settings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.ReleasePolicy;
import org.junit.jupiter.api.Test;

class SettingLinesTest {

    private static AdapterRecord.Builder adapter() {
        AdapterRecord.Builder adapter = AdapterRecord.newBuilder()
                .setName("news/ranker")
                .setRelease(ReleasePolicy.RELEASE_POLICY_MANUAL);
        adapter.getRoundBuilder().setLearningRate(5e-4).setEpsilon(1e-8).setSteps(3);
        adapter.getLearningBuilder()
                .getClickBuilder()
                .setLoss(Loss.LOSS_BINARY)
                .setObservationMillis(0);
        return adapter;
    }

    @Test
    void settingsAreNamedByTheirPathAndWrittenAsPeopleWriteThem() {
        assertThat(SettingLines.of(adapter().build()))
                .containsEntry("round.learning_rate", "0.0005")
                .containsEntry("round.epsilon", "0.00000001")
                .containsEntry("round.steps", "3")
                .containsEntry("round.replay_share", "0")
                .containsEntry("release", "MANUAL")
                .containsEntry("learning.click.loss", "BINARY")
                .containsEntry("learning.click.observation_millis", "0")
                .doesNotContainKeys("name", "learning.click.weight", "learning.dismiss.loss",
                        "exploration.epsilon", "head");
    }

    @Test
    void aChangeNamesWhatWasAndWhatIs() {
        AdapterRecord before = adapter().build();
        AdapterRecord.Builder after = adapter().setHead(4).setRevision(2);
        assertThat(SettingLines.changes(before, after.build())).isEmpty();

        after.getRoundBuilder().setLearningRate(0.001);
        after.getLearningBuilder().getClickBuilder().clearLoss();
        after.getExplorationBuilder().setEpsilon(0);
        after.getQuotaBuilder().setRequestsMax(-1);
        after.setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE);

        assertThat(SettingLines.changes(before, after.build()).lines()).containsExactlyInAnyOrder(
                "round.learning_rate: 0.0005 -> 0.001",
                "release: MANUAL -> IMMEDIATE",
                "learning.click.loss: BINARY -> unset",
                "exploration.epsilon: unset -> 0",
                "quota.requests_max: unset -> 4294967295");
    }

    @Test
    void anyMessageCanBeWrittenWithItsListsAndMaps() {
        LoraSettings lora = LoraSettings.newBuilder()
                .addTargetModules("q_proj")
                .addTargetModules("v_proj")
                .putModuleRanks("b", 2)
                .putModuleRanks("a", 1)
                .setAlpha(1e300)
                .build();
        assertThat(SettingLines.of("lora", lora))
                .containsEntry("lora.target_modules", "q_proj,v_proj")
                .containsEntry("lora.module_ranks[a]", "1")
                .containsEntry("lora.module_ranks[b]", "2")
                .containsEntry("lora.alpha", "1.0E300")
                .containsEntry("lora.rank_stabilized", "false");
    }
}
