package dev.flywheel.trainer.adapter;

import dev.flywheel.api.v1.RoundSettings;
import java.util.ArrayList;
import java.util.List;

/** What a trainer takes as settings of a round; pure. */
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
        above("learning_rate", round.getLearningRate());
        below("beta1", round.getBeta1(), 1);
        below("beta2", round.getBeta2(), 1);
        above("epsilon", round.getEpsilon());
        notNegative("weight_decay", round.getWeightDecay());
        notNegative("gradient_clip", round.getGradientClip());
        notNegative("norm_max", round.getNormMax());
        below("trim_share", round.getTrimShare(), 0.5);
    }

    private void checkSteps(RoundSettings round) {
        steps("steps", round.getSteps(), 1);
        steps("sft_steps_max", round.getSftStepsMax(), 0);
        steps("anchors_per_step", round.getAnchorsPerStep(), 0);
    }

    private void checkLosses(RoundSettings round) {
        notNegative("kl_weight", round.getKlWeight());
        notNegative("importance_clip", round.getImportanceClip());
        notNegative("sft_target_loss", round.getSftTargetLoss());
        notNegative("anchor_weight", round.getAnchorWeight());
        notNegative("preference_beta", round.getPreferenceBeta());
        notNegative("edit_weight", round.getEditWeight());
        require(
                Double.isFinite(round.getRewardBaseline()),
                "reward_baseline", "finite", round.getRewardBaseline());
    }

    private void above(String field, double value) {
        require(value > 0 && Double.isFinite(value), field, "finite and above 0", value);
    }

    private void notNegative(String field, double value) {
        require(value >= 0 && Double.isFinite(value), field, "finite and at least 0", value);
    }

    private void below(String field, double value, double end) {
        require(value >= 0 && value < end, field, "at least 0 and below " + end, value);
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
