package dev.flywheel.trainer.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.api.v1.RoundSettings;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoundRangesTest {
    private static final List<String> NOT_NEGATIVE =
            List.of("gradient_clip", "importance_clip", "norm_max", "sft_target_loss",
                    "preference_beta", "edit_weight");

    @Test
    void theDefaultsAreWithinThem() {
        assertThat(RoundRanges.problems(AdapterSettings.ranker().round())).isEmpty();
        assertThat(RoundRanges.problems(AdapterSettings.teacher().round())).isEmpty();
        assertThat(RoundRanges.problems(AdapterSettings.estimator().round())).isEmpty();
        assertThat(RoundRanges.problems(AdapterSettings.decider().round())).isEmpty();
    }

    @Test
    void everyFieldOutOfItsRangeIsNamedWithWhatCameAndWhatIsAllowed() {
        for (String field : NOT_NEGATIVE) {
            assertThat(problems(field, -1.0)).containsExactly(
                    "round." + field + " must be finite and at least 0, was -1.0");
            assertThat(problems(field, Double.POSITIVE_INFINITY)).hasSize(1);
        }
        assertThat(problems("learning_rate", 0.0)).containsExactly(
                "round.learning_rate must be above 0 and finite in single precision, was 0.0");
        assertThat(problems("epsilon", Double.NaN)).hasSize(1);
        assertThat(problems("beta1", 1.0)).containsExactly(
                "round.beta1 must be at least 0 and below 1 in single precision, was 1.0");
        assertThat(problems("beta2", -0.1)).hasSize(1);
        assertThat(problems("trim_share", 0.5)).containsExactly(
                "round.trim_share must be at least 0 and below 0.5, was 0.5");
        assertThat(problems("reward_baseline", Double.NaN)).containsExactly(
                "round.reward_baseline must be finite, was NaN");
        assertThat(problems("steps", 0)).containsExactly(
                "round.steps must be 1 to 10000, was 0");
        assertThat(problems("sft_steps_max", -1)).containsExactly(
                "round.sft_steps_max must be 0 to 10000, was 4294967295");
        assertThat(problems("anchors_per_step", 10_001)).hasSize(1);
    }

    @Test
    void whatTheDeviceComputesWithIsJudgedAsTheSinglePrecisionNumberThatItIsThere() {
        for (String field : List.of("beta1", "beta2")) {
            assertThat(problems(field, 0.99999999)).containsExactly(
                    "round." + field
                            + " must be at least 0 and below 1 in single precision, was 0.99999999");
            assertThat(problems(field, (double) Math.nextDown(1f))).isEmpty();
        }
        for (String field : List.of("learning_rate", "epsilon")) {
            assertThat(problems(field, 1e-46)).containsExactly(
                    "round." + field
                            + " must be above 0 and finite in single precision, was 1.0E-46");
            assertThat(problems(field, 1e39)).hasSize(1);
            assertThat(problems(field, (double) Float.MIN_VALUE)).isEmpty();
        }
        for (String field : List.of("weight_decay", "kl_weight", "anchor_weight")) {
            assertThat(problems(field, -1.0)).hasSize(1);
            assertThat(problems(field, 1e39)).containsExactly(
                    "round." + field
                            + " must be at least 0 and finite in single precision, was 1.0E39");
            assertThat(problems(field, 0.0)).isEmpty();
        }
    }

    @Test
    void anAdapterIsNotMadeWithSettingsOutOfTheirRanges() {
        RoundSettings round =
                AdapterSettings.ranker().round().toBuilder().setSteps(0).setEditWeight(-1).build();
        assertThatThrownBy(() -> AdapterSettings.ranker().withRound(round))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("round.steps")
                .hasMessageContaining("round.edit_weight");
    }

    private static List<String> problems(String field, Object value) {
        RoundSettings.Builder round = AdapterSettings.ranker().round().toBuilder();
        var descriptor = RoundSettings.getDescriptor().findFieldByName(field);
        return RoundRanges.problems(round.setField(descriptor, value).build());
    }
}
