package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_EVALUATION_ONLY;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NOT_APPLICABLE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_LABEL;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import java.util.Locale;
import java.util.Optional;

/**
 * What a signal says about which item of an impression: the table of signals and kinds of decision.
 *
 * <p>This release trains on click, dismiss, rating and reward of ranked slates, on reward of scored continuations, and on
 * corrections and thumbs of generated answers. Other fitting signals are evaluation only until their losses exist.
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
     * @param item candidate id; empty for the whole slate or answer
     * @param label above 0 chosen or good, 0 not chosen, below 0 rejected or bad
     * @param text the corrected text, empty for other signals
     */
    record Labelled(ExampleKind kind, String item, double label, String text) implements Reading {
        static Labelled listwise(String item, double label) {
            return new Labelled(ExampleKind.EXAMPLE_KIND_LISTWISE, item, label, "");
        }

        /** Two signals that say the same of an item are equal here. */
        String comparable() {
            return text.isEmpty() ? Double.toString(label) : "text:" + text;
        }
    }

    /** A signal that trains nothing here. */
    record Unfit(RefusalReason reason, String detail) implements Reading {}

    static Reading read(Impression impression, Signal signal) {
        return switch (impression.getKind()) {
            case DECISION_KIND_RANK -> ofRank(impression, signal);
            case DECISION_KIND_SCORE -> ofScore(impression, signal);
            case DECISION_KIND_GENERATE -> ofGenerate(signal);
            case DECISION_KIND_UNSPECIFIED, UNRECOGNIZED ->
                notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading ofRank(Impression impression, Signal signal) {
        return switch (signal.getKindCase()) {
            case CLICK -> shown(impression, signal.getClick().getCandidateId(), 1);
            case DISMISS -> signal.getDismiss().getCandidateId().isEmpty()
                    ? Labelled.listwise("", -1)
                    : shown(impression, signal.getDismiss().getCandidateId(), -1);
            case RATING -> shown(impression, signal.getRating().getCandidateId(),
                    signal.getRating().getValue() >= LIKE_FROM ? 1 : -1);
            case REWARD -> shown(impression, signal.getReward().getCandidateId(),
                    clipped(signal.getReward().getValue()));
            case THUMB, PREFERENCE -> evaluationOnly(signal);
            case RENDERED -> new Unfit(REFUSAL_REASON_NO_LABEL, "rendered is no label");
            case CORRECTION, RETRACT, KIND_NOT_SET -> notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading ofScore(Impression impression, Signal signal) {
        return switch (signal.getKindCase()) {
            case REWARD -> continuation(impression, signal);
            case THUMB, PREFERENCE -> evaluationOnly(signal);
            case CLICK, DISMISS, RATING, CORRECTION, RETRACT, RENDERED, KIND_NOT_SET ->
                notApplicable(impression.getKind(), signal);
        };
    }

    private static Reading ofGenerate(Signal signal) {
        return switch (signal.getKindCase()) {
            case CORRECTION -> new Labelled(ExampleKind.EXAMPLE_KIND_SFT, "", 1,
                    signal.getCorrection().getText());
            case THUMB -> new Labelled(ExampleKind.EXAMPLE_KIND_KTO, "",
                    signal.getThumb().getUp() ? 1 : -1, "");
            case PREFERENCE, REWARD, RATING -> evaluationOnly(signal);
            case CLICK, DISMISS, RETRACT, RENDERED, KIND_NOT_SET ->
                notApplicable(DecisionKind.DECISION_KIND_GENERATE, signal);
        };
    }

    private static Reading shown(Impression impression, String candidateId, double label) {
        Optional<ShownCandidate> candidate = impression.getCandidatesList()
                .stream()
                .filter(each -> each.getId().equals(candidateId))
                .findFirst();
        if (candidate.isEmpty() || candidate.get().getPlace() < 0) {
            return new Unfit(REFUSAL_REASON_NOT_APPLICABLE,
                    "candidate \"%s\" was not shown in this slate".formatted(candidateId));
        }
        return Labelled.listwise(candidateId, label);
    }

    private static Reading continuation(Impression impression, Signal signal) {
        String index = signal.getReward().getCandidateId();
        int count = impression.getCandidatesCount();
        int number = index.matches("[0-9]{1,5}") ? Integer.parseInt(index) : -1;
        if (number < 0 || number >= count) {
            return new Unfit(REFUSAL_REASON_NOT_APPLICABLE,
                    "reward.candidate_id is \"%s\", it must be the index of a continuation, 0 to %d"
                            .formatted(index, count - 1));
        }
        return Labelled.listwise(impression.getCandidates(number).getId(),
                clipped(signal.getReward().getValue()));
    }

    /** As evidence no reward counts for more than a whole choice. */
    private static double clipped(double value) {
        // + 0.0 turns -0.0 into 0.0, so that equal labels compare equal as text.
        return Math.max(-LABEL_MAX, Math.min(LABEL_MAX, value)) + 0.0;
    }

    private static Unfit evaluationOnly(Signal signal) {
        return new Unfit(REFUSAL_REASON_EVALUATION_ONLY,
                "%s has no loss yet and is kept for evaluation".formatted(name(signal)));
    }

    private static Unfit notApplicable(DecisionKind kind, Signal signal) {
        return new Unfit(REFUSAL_REASON_NOT_APPLICABLE, "%s cannot label a decision of kind %s"
                .formatted(name(signal), kind.name().replace("DECISION_KIND_", "")));
    }

    private static String name(Signal signal) {
        return signal.getKindCase().name().toLowerCase(Locale.ROOT);
    }
}
