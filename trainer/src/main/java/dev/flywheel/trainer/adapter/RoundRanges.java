package dev.flywheel.trainer.adapter;

import dev.flywheel.api.v1.RoundSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * What a trainer takes as settings of a round; pure.
 *
 * <p>What the device computes with is held in single precision there: such a number is judged by what
 * it is then, since 0.99999999 would be 1, and 1e-50 nothing.
 */
public final class RoundRanges {
    private static final int STEPS_MAX = 10_000;

    private final List<String> problems = new ArrayList<>();

    private RoundRanges() {}

    /** Returns what is wrong with the settings, field by field; empty if nothing is. */
    public static List<String> problems(RoundSettings round) {
        RoundRanges ranges = new RoundRanges();
        ranges.checkOptimizer(round);
        ranges.checkSteps(round);
        ranges.checkLosses(round);
        return List.copyOf(ranges.problems);
    }

    private void checkOptimizer(RoundSettings round) {
        deviceAbove("learning_rate", round.getLearningRate());
        deviceBelowOne("beta1", round.getBeta1());
        deviceBelowOne("beta2", round.getBeta2());
        deviceAbove("epsilon", round.getEpsilon());
        deviceNotNegative("weight_decay", round.getWeightDecay());
        notNegative("gradient_clip", round.getGradientClip());
        notNegative("norm_max", round.getNormMax());
        require(
                round.getTrimShare() >= 0 && round.getTrimShare() < 0.5,
                "trim_share", "at least 0 and below 0.5", round.getTrimShare());
    }

    private void checkSteps(RoundSettings round) {
        steps("steps", round.getSteps(), 1);
        steps("sft_steps_max", round.getSftStepsMax(), 0);
        steps("anchors_per_step", round.getAnchorsPerStep(), 0);
    }

    private void checkLosses(RoundSettings round) {
        deviceNotNegative("kl_weight", round.getKlWeight());
        notNegative("importance_clip", round.getImportanceClip());
        notNegative("sft_target_loss", round.getSftTargetLoss());
        deviceNotNegative("anchor_weight", round.getAnchorWeight());
        notNegative("preference_beta", round.getPreferenceBeta());
        notNegative("edit_weight", round.getEditWeight());
        require(
                Double.isFinite(round.getRewardBaseline()),
                "reward_baseline", "finite", round.getRewardBaseline());
    }

    private void deviceAbove(String field, double value) {
        require(
                (float) value > 0 && Float.isFinite((float) value),
                field, "above 0 and finite in single precision", value);
    }

    private void deviceNotNegative(String field, double value) {
        require(
                value >= 0 && Float.isFinite((float) value),
                field, "at least 0 and finite in single precision", value);
    }

    private void deviceBelowOne(String field, double value) {
        require(
                value >= 0 && (float) value < 1,
                field, "at least 0 and below 1 in single precision", value);
    }

    private void notNegative(String field, double value) {
        require(value >= 0 && Double.isFinite(value), field, "finite and at least 0", value);
    }

    private void steps(String field, int value, int min) {
        long steps = Integer.toUnsignedLong(value);
        require(steps >= min && steps <= STEPS_MAX, field, min + " to " + STEPS_MAX, steps);
    }

    private void require(boolean holds, String field, String allowed, Number value) {
        if (!holds) {
            problems.add("round.%s must be %s, was %s".formatted(field, allowed, value));
        }
    }
}
