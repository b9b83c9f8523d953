package dev.flywheel.api.settings;

import static dev.flywheel.api.v1.Loss.LOSS_BANDIT;
import static dev.flywheel.api.v1.Loss.LOSS_BINARY;
import static dev.flywheel.api.v1.Loss.LOSS_DPO;
import static dev.flywheel.api.v1.Loss.LOSS_KTO;
import static dev.flywheel.api.v1.Loss.LOSS_LISTWISE;
import static dev.flywheel.api.v1.Loss.LOSS_NONE;
import static dev.flywheel.api.v1.Loss.LOSS_SFT;

import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.SignalSettings;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Which losses a signal can be learned by, and whether its silence can be. The one table: whoever takes settings in checks against it, whoever makes examples
 * goes by it.
 *
 * <p>Signals are named as their fields in {@link LearningSettings} and {@code Signal}.
 */
public final class SignalLosses {
    private static final List<Loss> OF_A_SLATE =
            List.of(LOSS_LISTWISE, LOSS_BINARY, LOSS_BANDIT, LOSS_NONE);

    private static final Set<String> WATCHED = Set.of("click", "reward");

    private static final Map<String, Row> ROWS = rows();

    private record Row(List<Loss> losses, Function<LearningSettings, SignalSettings> settings) {}

    private SignalLosses() {}

    private static Map<String, Row> rows() {
        Map<String, Row> rows = new LinkedHashMap<>();
        rows.put("click", new Row(OF_A_SLATE, LearningSettings::getClick));
        rows.put("dismiss", new Row(OF_A_SLATE, LearningSettings::getDismiss));
        rows.put("rating", new Row(OF_A_SLATE, LearningSettings::getRating));
        rows.put("reward", new Row(OF_A_SLATE, LearningSettings::getReward));
        rows.put("thumb", new Row(List.of(LOSS_KTO, LOSS_NONE), LearningSettings::getThumb));
        rows.put("correction",
                new Row(List.of(LOSS_SFT, LOSS_NONE), LearningSettings::getCorrection));
        rows.put("preference",
                new Row(List.of(LOSS_DPO, LOSS_NONE), LearningSettings::getPreference));
        return rows;
    }

    /** The signals that can be learned from, in the order of the contract. */
    public static Set<String> signals() {
        return Collections.unmodifiableSet(ROWS.keySet());
    }

    /**
     * Whether it can be said of a signal that nobody did it, which takes an observation window: clicks and rewards are given to
     * what a user was shown, and nobody is silent by not rejecting or not correcting.
     */
    public static boolean silenceSpeaks(String signal) {
        return WATCHED.contains(signal);
    }

    /**
     * Returns the losses that fit a signal, its default first.
     *
     * @throws IllegalArgumentException if there is no such signal
     */
    public static List<Loss> of(String signal) {
        return row(signal).losses();
    }

    /** Returns what a signal is learned by where nothing else is set. */
    public static Loss defaultOf(String signal) {
        return of(signal).get(0);
    }

    /** Returns what is set for a signal, nothing if nothing is. */
    public static SignalSettings settings(LearningSettings learning, String signal) {
        return row(signal).settings().apply(learning);
    }

    private static Row row(String signal) {
        Row row = ROWS.get(signal);
        if (row == null) {
            throw new IllegalArgumentException(
                    "there is no signal " + signal + ", there are " + ROWS.keySet());
        }
        return row;
    }
}
