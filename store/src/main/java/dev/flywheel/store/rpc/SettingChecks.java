package dev.flywheel.store.rpc;

import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.ExplorationSettings;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.QuotaSettings;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.store.core.Limits;
import java.time.Duration;
import java.util.stream.Collectors;

/** Checks of what can be set of an adapter, field by field. An unset field is always right. */
final class SettingChecks {
    private static final int STEPS_MAX = 10_000;
    private static final int REPLAY_MANIFESTS_MAX = 100_000;
    private static final double REPLAY_SHARE_MAX = 4;
    private static final int PLACES_MAX = 10_000;
    /** What has waited for longer is nowhere kept. */
    private static final long MILLIS_MAX = Duration.ofDays(366).toMillis();

    private final Limits limits;

    SettingChecks(Limits limits) {
        this.limits = limits;
    }

    void check(RoundSettings round) {
        Fields.deviceAboveZero("round.learning_rate", round.getLearningRate());
        Fields.deviceBelowOne("round.beta1", round.getBeta1());
        Fields.deviceBelowOne("round.beta2", round.getBeta2());
        Fields.deviceAboveZero("round.epsilon", round.getEpsilon());
        Fields.deviceNotNegative("round.weight_decay", round.getWeightDecay());
        Fields.within("round.steps", Integer.toUnsignedLong(round.getSteps()), 1, STEPS_MAX);
        notNegative("round.gradient_clip", round.getGradientClip());
        Fields.deviceNotNegative("round.kl_weight", round.getKlWeight());
        notNegative("round.importance_clip", round.getImportanceClip());
        Fields.above("round.norm_max", round.getNormMax(), 0);
        Fields.within("round.examples_max", Integer.toUnsignedLong(round.getExamplesMax()), 1,
                limits.examplesMax());
        notNegative("round.sft_target_loss", round.getSftTargetLoss());
        Fields.within("round.sft_steps_max", Integer.toUnsignedLong(round.getSftStepsMax()), 0,
                STEPS_MAX);
        Fields.deviceNotNegative("round.anchor_weight", round.getAnchorWeight());
        Fields.within("round.anchors_per_step", Integer.toUnsignedLong(round.getAnchorsPerStep()),
                0, STEPS_MAX);
        notNegative("round.preference_beta", round.getPreferenceBeta());
        notNegative("round.edit_weight", round.getEditWeight());
        Fields.within("round.trim_share", round.getTrimShare(), 0, Math.nextDown(0.5));
        Fields.within("round.replay_share", round.getReplayShare(), 0, REPLAY_SHARE_MAX);
        Fields.within("round.replay_manifests",
                Integer.toUnsignedLong(round.getReplayManifests()), 0, REPLAY_MANIFESTS_MAX);
        Fields.finite("round.reward_baseline", round.getRewardBaseline());
    }

    static void check(LearningSettings learning) {
        for (String signal : SignalLosses.signals()) {
            check(signal, SignalLosses.settings(learning, signal));
        }
        if (learning.hasNegativeSamplingRate()) {
            share("learning.negative_sampling_rate", learning.getNegativeSamplingRate());
        }
        Fields.within("learning.examined_places",
                Integer.toUnsignedLong(learning.getExaminedPlaces()), 0, PLACES_MAX);
        check(learning.getGuard());
    }

    private static void check(String signal, SignalSettings settings) {
        String at = "learning." + signal + ".";
        Loss loss = settings.getLoss();
        if (loss != Loss.LOSS_UNSPECIFIED && !SignalLosses.of(signal).contains(loss)) {
            throw Errors.badField(at + "loss", "must be one of " + SignalLosses.of(signal)
                    .stream()
                    .map(SettingChecks::name)
                    .collect(Collectors.joining(", ")) + ", was "
                    + (loss == Loss.UNRECOGNIZED ? settings.getLossValue() : name(loss)));
        }
        if (settings.hasAttributionMillis()) {
            millis(at + "attribution_millis", settings.getAttributionMillis(), 1);
        }
        if (settings.hasObservationMillis()) {
            silence(signal, "observation_millis", settings.getObservationMillis(), settings);
        }
        if (settings.hasRenderedMillis()) {
            silence(signal, "rendered_millis", settings.getRenderedMillis(), settings);
        }
        if (settings.hasWeight()) {
            Fields.deviceAboveZero(at + "weight", settings.getWeight());
        }
        Fields.deviceNotNegative(at + "kl_weight", settings.getKlWeight());
    }

    /** What is waited for silence; of most signals silence says nothing, and of none after they come too late. */
    private static void silence(String signal, String name, long value, SignalSettings settings) {
        String field = "learning." + signal + "." + name;
        millis(field, value, 0);
        if (!SignalLosses.silenceSpeaks(signal)) {
            throw Errors.badField(field, "must be unset, was " + value + "; only of "
                    + SignalLosses.signals()
                            .stream()
                            .filter(SignalLosses::silenceSpeaks)
                            .collect(Collectors.joining(" and "))
                    + " silence says anything");
        }
        if (settings.hasAttributionMillis() && value > settings.getAttributionMillis()) {
            throw Errors.badField(field, "must be at most learning." + signal
                    + ".attribution_millis, which is " + settings.getAttributionMillis()
                    + ", was " + value);
        }
    }

    private static void check(GuardSettings guard) {
        String at = "learning.guard.";
        if (guard.hasWindowMillis()) {
            millis(at + "window_millis", guard.getWindowMillis(), 1);
        }
        share(at + "round_share_max", guard.getRoundShareMax());
        share(at + "newcomer_share_max", guard.getNewcomerShareMax());
        millis(at + "newcomer_millis", guard.getNewcomerMillis(), 0);
    }

    static void check(ExplorationSettings exploration) {
        share("exploration.epsilon", exploration.getEpsilon());
        notNegative("exploration.temperature", exploration.getTemperature());
        share("exploration.propensity_min", exploration.getPropensityMin());
    }

    static void check(QuotaSettings quota) {
        if (quota.hasRequestsMax()) {
            Fields.within("quota.requests_max", Integer.toUnsignedLong(quota.getRequestsMax()), 1,
                    Integer.MAX_VALUE);
        }
    }

    private static String name(Loss loss) {
        return loss.name().replace("LOSS_", "");
    }

    private static void share(String field, double value) {
        Fields.within(field, value, 0, 1);
    }

    private static void notNegative(String field, double value) {
        Fields.within(field, value, 0, Double.MAX_VALUE);
    }

    private static void millis(String field, long value, long min) {
        Fields.within(field, value, min, MILLIS_MAX);
    }
}
