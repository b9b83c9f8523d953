package dev.flywheel.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What would stop a part of the loop after others have started is refused when the settings are read. */
class SettingRangesTest {
    @ParameterizedTest
    @CsvSource({
        "server.reset_window, 500ms, whole seconds",
        "server.reset_window, 1500ms, whole seconds",
        "loop.checkpoint_interval, 1ms, at least 100 ms",
        "loop.checkpoint_timeout, 1ms, at least 1000 ms",
        "loop.call_backoff_max, 1ms, must not be shorter than loop.call_backoff_min",
        "loop.topic_retention, 59m, at least 3600000 ms",
    })
    void aDurationThatAPartWouldRefuseLaterIsRefusedByItsName(
            String key, String value, String allowed) {
        assertThatThrownBy(() -> load(Map.of(key, value))).isInstanceOf(ConfigException.class)
                .hasMessageContaining(key)
                .hasMessageContaining(allowed);
    }

    @Test
    void oneRowIsTooFewForAStepOfServing() {
        assertThatThrownBy(() -> load(Map.of("engine.rows_max", 1)))
                .hasMessageContaining("engine.rows_max is 1, allowed is 2 to");
    }

    @Test
    void aCacheThatCannotHoldTheLongestAnswerSaysWhatItWouldHaveToHold() {
        assertThatThrownBy(() -> load(Map.of("engine.kv_blocks", 32)))
                .hasMessageContaining("512 tokens, at least 513 are needed (serving.tokens_max");
        assertThatThrownBy(
                () -> load(Map.of("engine.kv_blocks", 3, "serving.tokens_max", 10,
                        "serving.tokens_default", 10)))
                .hasMessageContaining("48 tokens, at least 64 are needed (the probe");
    }

    @Test
    void anAdapterThatNoSlotHoldsIsRefusedBeforeItIsMade() {
        assertThatThrownBy(() -> load(Map.of("engine.rank_max", 4)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("adapter.rank (at most engine.rank_max) is 8")
                .hasMessageContaining("1 to 4");
        assertThat(load(Map.of("engine.rank_max", 4, "adapter.rank", 4)).adapter().rank())
                .isEqualTo(4);
    }

    @Test
    void theAdapterOfUpLearnsFromClicksAndFromCorrections() {
        RoundSettings round = AdapterSettings.teacher().round();
        FlywheelConfig.Adapter adapter = load(Map.of()).adapter();

        assertThat(adapter.learningRate()).isEqualTo(round.getLearningRate()).isPositive();
        assertThat(adapter.sftTargetLoss()).isEqualTo(round.getSftTargetLoss()).isPositive();
        assertThat(adapter.sftStepsMax()).isEqualTo(round.getSftStepsMax()).isPositive();
        assertThat(adapter.anchorsPerStep()).isEqualTo(round.getAnchorsPerStep()).isPositive();
        assertThat(adapter.anchorWeight()).isEqualTo(round.getAnchorWeight()).isPositive();
    }

    private static FlywheelConfig load(Map<String, Object> overrides) {
        return new ConfigLoader().load(null, overrides);
    }
}
