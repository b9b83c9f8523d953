package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NOT_APPLICABLE;

import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import org.jspecify.annotations.Nullable;

/**
 * What a signal says about which item of an impression: the table of signals, losses and kinds of decision.
 *
 * <p>A slate is judged by clicks, dismissals, ratings and rewards, scored continuations by rewards, a generated answer by thumbs,
 * corrections and preferences. Other signals that fit a decision are evaluation only.
 */
final class SignalLabels {
    private static final double LABEL_MAX = 1;
    private static final double LIKE_FROM = 0.5;

    private SignalLabels() {}

    /** What a signal comes to. */
    sealed interface Reading {}

    /**
     * A label of one item.
     *
     * @param rule how the signal is learned from
     * @param item candidate id; empty for the whole slate or answer
     * @param label as the kind reads it, see {@code LabelledOption.label}
     * @param text the corrected text, or the impression of the answer that this one is preferred to; empty for other signals
     */
    record Labelled(
            Signal.KindCase signal,
            SignalRule rule,
            ExampleKind kind,
            String item,
            double label,
            String text) implements Reading {
        /** Two signals that say the same of an item are equal here. */
        String comparable() {
            return text.isEmpty() ? Double.toString(label) : "text:" + text;
        }
    }

    /**
     * A label that counts in evaluation and trains nothing.
     *
     * @param label of kind LISTWISE if it is about items, else of none
     */
    record Evaluated(Labelled label) implements Reading {}

    /** A signal that says nothing here. */
    record Unfit(RefusalReason reason, String detail) implements Reading {}

    /**
     * Returns what a signal is turned into by a loss; null: nothing is learned from it. A verdict is needed for a probability of
     * its own, and a place for a decision.
     */
    static @Nullable ExampleKind kindOf(Signal.KindCase signal, Loss loss, Impression impression) {
        if (!SignalLosses.of(SignalRules.nameOf(signal)).contains(loss)) {
            return null;
        }
        return switch (loss) {
            case LOSS_LISTWISE -> ExampleKind.EXAMPLE_KIND_LISTWISE;
            case LOSS_BINARY -> impression.getScoring().getVerdict()
                    ? ExampleKind.EXAMPLE_KIND_BINARY
                    : null;
            case LOSS_BANDIT -> impression.getKind() == DecisionKind.DECISION_KIND_RANK
                    ? ExampleKind.EXAMPLE_KIND_BANDIT
                    : null;
            case LOSS_SFT -> ExampleKind.EXAMPLE_KIND_SFT;
            case LOSS_KTO -> ExampleKind.EXAMPLE_KIND_KTO;
            case LOSS_DPO -> ExampleKind.EXAMPLE_KIND_DPO;
            case LOSS_UNSPECIFIED, LOSS_NONE, UNRECOGNIZED -> null;
        };
    }

    static Reading read(Impression impression, Signal signal, SignalRules rules) {
        return switch (impression.getKind()) {
            case DECISION_KIND_RANK -> ofRank(impression, signal, rules);
            case DECISION_KIND_SCORE -> ofScore(impression, signal, rules);
            case DECISION_KIND_GENERATE -> ofGenerate(impression, signal, rules);
            case DECISION_KIND_UNSPECIFIED, UNRECOGNIZED ->
                notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading ofRank(Impression impression, Signal signal, SignalRules rules) {
        return switch (signal.getKindCase()) {
            case CLICK, RATING, REWARD -> isShown(impression, itemOf(signal))
                    ? labelled(impression, signal, rules, itemOf(signal))
                    : notShown(itemOf(signal));
            case DISMISS -> itemOf(signal).isEmpty() || isShown(impression, itemOf(signal))
                    ? labelled(impression, signal, rules, itemOf(signal))
                    : notShown(itemOf(signal));
            case THUMB, PREFERENCE -> ofAll(signal, rules);
            case CORRECTION, RETRACT, RENDERED, KIND_NOT_SET ->
                notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading ofScore(Impression impression, Signal signal, SignalRules rules) {
        return switch (signal.getKindCase()) {
            case REWARD -> continuation(impression, signal, rules);
            case THUMB, PREFERENCE -> ofAll(signal, rules);
            case CLICK, DISMISS, RATING, CORRECTION, RETRACT, RENDERED, KIND_NOT_SET ->
                notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading ofGenerate(Impression impression, Signal signal, SignalRules rules) {
        return switch (signal.getKindCase()) {
            case CORRECTION, THUMB, PREFERENCE -> labelled(impression, signal, rules, "");
            case REWARD, RATING -> ofAll(signal, rules);
            case CLICK, DISMISS, RETRACT, RENDERED, KIND_NOT_SET ->
                notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading labelled(
            Impression impression, Signal signal, SignalRules rules, String item) {
        SignalRule rule = rules.of(signal.getKindCase());
        ExampleKind kind = kindOf(signal.getKindCase(), rule.loss(), impression);
        if (kind == null) {
            return impression.getKind() == DecisionKind.DECISION_KIND_GENERATE
                    ? ofAll(signal, rules)
                    : evaluated(signal, rule, ExampleKind.EXAMPLE_KIND_LISTWISE, item);
        }
        double value = valueOf(signal);
        double label = kind == ExampleKind.EXAMPLE_KIND_BINARY ? Math.max(0, value) : value;
        return new Labelled(signal.getKindCase(), rule, kind, item, label, textOf(signal));
    }

    /** Returns the item of a slate that a signal names; empty if it names none. */
    static String itemOf(Signal signal) {
        return switch (signal.getKindCase()) {
            case CLICK -> signal.getClick().getCandidateId();
            case DISMISS -> signal.getDismiss().getCandidateId();
            case RATING -> signal.getRating().getCandidateId();
            case REWARD -> signal.getReward().getCandidateId();
            case THUMB, CORRECTION, PREFERENCE, RETRACT, RENDERED, KIND_NOT_SET -> "";
        };
    }

    private static double valueOf(Signal signal) {
        return switch (signal.getKindCase()) {
            case DISMISS -> -1;
            case RATING -> signal.getRating().getValue() >= LIKE_FROM ? 1 : -1;
            case REWARD -> clipped(signal.getReward().getValue());
            case THUMB -> signal.getThumb().getUp() ? 1 : -1;
            case CLICK, CORRECTION, PREFERENCE, RETRACT, RENDERED, KIND_NOT_SET -> 1;
        };
    }

    private static String textOf(Signal signal) {
        return switch (signal.getKindCase()) {
            case CORRECTION -> signal.getCorrection().getText();
            case PREFERENCE -> signal.getPreference().getRejectedImpressionId();
            case CLICK, DISMISS, RATING, REWARD, THUMB, RETRACT, RENDERED, KIND_NOT_SET -> "";
        };
    }

    /** Whether the user saw a candidate of this id in the slate. */
    static boolean isShown(Impression impression, String candidateId) {
        for (ShownCandidate candidate : impression.getCandidatesList()) {
            if (candidate.getId().equals(candidateId)) {
                return candidate.getPlace() >= 0;
            }
        }
        return false;
    }

    private static Unfit notShown(String candidateId) {
        return new Unfit(REFUSAL_REASON_NOT_APPLICABLE,
                "candidate \"%s\" was not shown in this slate".formatted(candidateId));
    }

    private static Reading continuation(Impression impression, Signal signal, SignalRules rules) {
        String index = signal.getReward().getCandidateId();
        int count = impression.getCandidatesCount();
        int number = index.matches("[0-9]{1,5}") ? Integer.parseInt(index) : -1;
        if (number < 0 || number >= count) {
            return new Unfit(REFUSAL_REASON_NOT_APPLICABLE,
                    "reward.candidate_id is \"%s\", it must be the index of a continuation, 0 to %d"
                            .formatted(index, count - 1));
        }
        return labelled(impression, signal, rules, impression.getCandidates(number).getId());
    }

    /** As evidence no reward counts for more than a whole choice. */
    private static double clipped(double value) {
        // + 0.0 turns -0.0 into 0.0, so that equal labels compare equal as text.
        return Math.max(-LABEL_MAX, Math.min(LABEL_MAX, value)) + 0.0;
    }

    /** What is said of a decision as a whole, which nothing can be learned from. */
    private static Evaluated ofAll(Signal signal, SignalRules rules) {
        return evaluated(signal, rules.of(signal.getKindCase()),
                ExampleKind.EXAMPLE_KIND_UNSPECIFIED, "");
    }

    private static Evaluated evaluated(Signal signal, SignalRule rule, ExampleKind kind,
            String item) {
        return new Evaluated(new Labelled(signal.getKindCase(), rule, kind, item, valueOf(signal),
                textOf(signal)));
    }

    private static Unfit notApplicable(DecisionKind kind, Signal signal) {
        return new Unfit(REFUSAL_REASON_NOT_APPLICABLE, "%s cannot label a decision of kind %s"
                .formatted(SignalRules.nameOf(signal.getKindCase()), name(kind)));
    }

    private static String name(DecisionKind kind) {
        return kind.name().replace("DECISION_KIND_", "");
    }
}
