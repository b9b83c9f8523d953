package dev.flywheel.feedback.attribution;

import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Sight;
import dev.flywheel.api.v1.Signal;
import java.util.List;

/** What holds for one impression: its adapter's settings laid over the job's, as points in event time. */
final class Terms {
    /** Signals whose silence may be counted. */
    static final List<Signal.KindCase> WATCHED =
            SignalLosses.signals()
                    .stream()
                    .filter(SignalLosses::silenceSpeaks)
                    .map(SignalRules::kindOf)
                    .toList();

    private static final List<Signal.KindCase> OF_RANK = List.of(Signal.KindCase.CLICK,
            Signal.KindCase.DISMISS, Signal.KindCase.RATING, Signal.KindCase.REWARD);
    private static final List<Signal.KindCase> OF_SCORE = List.of(Signal.KindCase.REWARD);
    private static final List<Signal.KindCase> OF_GENERATE = List.of(Signal.KindCase.THUMB,
            Signal.KindCase.CORRECTION, Signal.KindCase.PREFERENCE);

    private final Impression impression;
    private final AttributionSettings settings;
    private final SignalRules rules;

    Terms(Impression impression, AttributionSettings settings) {
        this.impression = impression;
        this.settings = settings;
        rules = settings.signals().under(impression.getLearning(), settings.longestWindow());
    }

    SignalRules rules() {
        return rules;
    }

    double negativeSamplingRate() {
        LearningSettings own = impression.getLearning();
        return own.hasNegativeSamplingRate()
                ? Math.max(0, Math.min(1, own.getNegativeSamplingRate()))
                : settings.negativeSamplingRate();
    }

    /** Until when something may come that could be learned from. */
    long closesAt() {
        return impression.getServedAtMillis() + windows(true);
    }

    /** When the first of those windows ends: from then on it is remembered only where there is room. */
    long firstWindowEnd() {
        return impression.getServedAtMillis() + windows(false);
    }

    private long windows(boolean longest) {
        long found = 0;
        for (Signal.KindCase signal : fitting()) {
            if (SignalLabels.kindOf(signal, rules.of(signal).loss(), impression) != null) {
                found = pick(found, rules.of(signal).attributionMillis(), longest);
            }
        }
        // An adapter that learns nothing of such answers: what comes is still told why it is refused.
        return found > 0 ? found : rules.of(fitting().get(0)).attributionMillis();
    }

    private static long pick(long found, long other, boolean longest) {
        if (found == 0) {
            return other;
        }
        return longest ? Math.max(found, other) : Math.min(found, other);
    }

    private List<Signal.KindCase> fitting() {
        return switch (impression.getKind()) {
            case DECISION_KIND_RANK -> OF_RANK;
            case DECISION_KIND_SCORE -> OF_SCORE;
            case DECISION_KIND_GENERATE, DECISION_KIND_UNSPECIFIED, UNRECOGNIZED -> OF_GENERATE;
        };
    }

    /** How long after the answer a signal is taken: its attribution window; what is no label, as long as anything is. */
    long windowMillis(Signal.KindCase signal) {
        return rules.has(signal) ? rules.of(signal).attributionMillis()
                : closesAt() - impression.getServedAtMillis();
    }

    /** Whether the silence of a signal says anything about this impression: only slates were shown to be chosen from. */
    boolean watches(Signal.KindCase signal) {
        return impression.getKind() == DecisionKind.DECISION_KIND_RANK
                && rules.of(signal).observationMillis() > 0
                && SignalLabels.kindOf(signal, rules.of(signal).loss(), impression) != null;
    }

    /** Returns what a watched signal's silence makes. */
    ExampleKind kindOf(Signal.KindCase signal) {
        ExampleKind kind = SignalLabels.kindOf(signal, rules.of(signal).loss(), impression);
        if (kind == null) {
            throw new IllegalStateException("watched signals make examples");
        }
        return kind;
    }

    /** When the silence of a watched signal is counted: some time after the slate was seen, else after it was served. */
    long observationEnd(Signal.KindCase signal, AttributionState.Builder state) {
        SignalRule rule = rules.of(signal);
        long end = impression.getServedAtMillis() + rule.observationMillis();
        long seenAt = Long.MAX_VALUE;
        for (Sight sight : state.getSightsList()) {
            seenAt = Math.min(seenAt, sight.getAtMillis());
        }
        if (seenAt < end) { // later it comes too late: silence has been counted
            end = seenAt + (rule.renderedMillis() > 0 ? rule.renderedMillis()
                    : rule.observationMillis());
        }
        return Math.min(end, closesAt());
    }

    /** How many places from the top count as seen at some time; 0: all. */
    int placesSeen(AttributionState.Builder state, long beforeMillis) {
        boolean told = false;
        int most = 0;
        for (Sight sight : state.getSightsList()) {
            if (sight.getAtMillis() < beforeMillis) {
                told = true;
                if (sight.getPlaces() == 0) {
                    return 0;
                }
                most = Integer.compareUnsigned(sight.getPlaces(), most) > 0 ? sight.getPlaces()
                        : most;
            }
        }
        return told ? most : impression.getLearning().getExaminedPlaces();
    }
}
