package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Makes examples out of an impression and a label. An example carries everything that training needs and depends on nothing
 * but its impression and event: the order in which events came leaves no trace in it but {@link Case.Standing}.
 */
final class ExampleMaker {
    static final String SILENCE = "silence";

    private ExampleMaker() {}

    /** Returns the example of an explicit signal. */
    static Example explicit(Impression impression, SignalLabels.Labelled label, FeedbackEvent event,
            Case.Standing standing) {
        Example.Builder example = common(impression, label.kind(), label.rule())
                .setExampleId(Hashes.exampleId(impression.getImpressionId(), label.item(),
                        label.kind(), label.comparable()))
                .setSignal(SignalRules.nameOf(label.signal()))
                .addFeedback(FeedbackIds.keyOf(event))
                .setLabelledAtMillis(event.getReceivedAtMillis())
                .setLabelSequence(standing.sequence())
                .setCorrects(standing.corrects());
        return switch (label.kind()) {
            case EXAMPLE_KIND_SFT -> corrected(impression, label.text(), example);
            case EXAMPLE_KIND_KTO -> example
                    .addOptions(option(impression.getCandidates(0), label.label()))
                    .build();
            case EXAMPLE_KIND_DPO -> example
                    .addOptions(option(impression.getCandidates(0), label.label()))
                    .setRejectedImpressionId(label.text())
                    .build();
            case EXAMPLE_KIND_BANDIT ->
                decision(impression, label.item(), label.label(), example);
            case EXAMPLE_KIND_BINARY, EXAMPLE_KIND_LISTWISE, EXAMPLE_KIND_UNSPECIFIED,
                    UNRECOGNIZED ->
                judgedSlate(impression, label, example);
        };
    }

    /** Returns what evaluation has to know of a signal from which nothing is learned. */
    static Example evaluated(Impression impression, SignalLabels.Labelled label,
            FeedbackEvent event) {
        String signal = SignalRules.nameOf(label.signal());
        Example.Builder example = common(impression, label.kind(), label.rule())
                .clearPromptIds()
                .setExampleId(Hashes.exampleId(impression.getImpressionId(), label.item(),
                        label.kind(), "evaluation:" + signal + ":" + label.comparable()))
                .setSignal(signal)
                .addFeedback(FeedbackIds.keyOf(event))
                .setLabelledAtMillis(event.getReceivedAtMillis());
        return label.kind() == ExampleKind.EXAMPLE_KIND_LISTWISE
                ? judgedSlate(impression, label, example)
                : example.build();
    }

    /** The trainer's tokenizer turns the text into ids, nothing before it has one; and it compares them with the answer's. */
    private static Example corrected(Impression impression, String text, Example.Builder example) {
        return example
                .addOptions(LabelledOption.newBuilder().setCandidateId(text).setLabel(1))
                .addOptions(LabelledOption.newBuilder()
                        .setCandidateId(impression.getCandidates(0).getId())
                        .addAllIds(impression.getCandidates(0).getIdsList()))
                .build();
    }

    private static Example judgedSlate(
            Impression impression, SignalLabels.Labelled label, Example.Builder example) {
        boolean alone = label.kind() == ExampleKind.EXAMPLE_KIND_BINARY || label.label() == 0;
        for (ShownCandidate candidate : judged(impression)) {
            boolean meant = label.item().isEmpty() || candidate.getId().equals(label.item());
            // Who says that one item was nothing says nothing about the others; beside a 0 theirs would say the same.
            if (meant || !alone) {
                example.addOptions(option(candidate, meant ? label.label() : 0));
            }
        }
        return example.setScoring(impression.getScoring()).build();
    }

    /**
     * A choice was made from all candidates, shown or not: that is what its propensity is of. What is said of a whole slate, and
     * silence, is what its top place brought.
     */
    private static Example decision(
            Impression impression, String item, double reward, Example.Builder example) {
        String meant = item.isEmpty() ? top(impression).getId() : item;
        for (ShownCandidate candidate : impression.getCandidatesList()) {
            boolean action = candidate.getId().equals(meant);
            if (action) {
                example.setAction(example.getOptionsCount());
            }
            example.addOptions(option(candidate, action ? reward : 0));
        }
        return example.setScoring(impression.getScoring()).build();
    }

    /** Returns the candidate in the top place of a slate; the schema lets no slate without one pass. */
    static ShownCandidate top(Impression impression) {
        return Collections.min(judged(impression),
                Comparator.comparingInt(ShownCandidate::getPlace));
    }

    /**
     * Returns the example of a slate on which a signal did not come.
     *
     * @param about the items that it labels, of which sampling kept these
     * @param share factor of its weight
     */
    static Example silent(Impression impression, Signal.KindCase signal, ExampleKind kind,
            SignalRule rule, List<ShownCandidate> about, double share, double rate,
            long atMillis) {
        Example.Builder example = common(impression, kind, rule)
                .setExampleId(Hashes.exampleId(impression.getImpressionId(), "", kind,
                        SILENCE + ":" + SignalRules.nameOf(signal)))
                .setSignal(SILENCE)
                .setWeight(rule.weight() * share)
                .setSamplingRate(rate)
                .setLabelledAtMillis(atMillis)
                .setScoring(impression.getScoring());
        if (kind == ExampleKind.EXAMPLE_KIND_BANDIT) {
            return decision(impression, "", 0, example);
        }
        about.forEach(candidate -> example.addOptions(option(candidate, 0)));
        return example.build();
    }

    /** Returns what the user could have judged: of a slate what was shown, of scored continuations all. */
    static List<ShownCandidate> judged(Impression impression) {
        if (impression.getKind() != DecisionKind.DECISION_KIND_RANK) {
            return impression.getCandidatesList();
        }
        List<ShownCandidate> shown = new ArrayList<>(impression.getCandidatesCount());
        for (ShownCandidate candidate : impression.getCandidatesList()) {
            if (candidate.getPlace() >= 0) {
                shown.add(candidate);
            }
        }
        return shown;
    }

    private static Example.Builder common(
            Impression impression, ExampleKind kind, SignalRule rule) {
        Example.Builder example = Example.newBuilder()
                .setKind(kind)
                .setTenant(impression.getTenant())
                .setUser(impression.getUser())
                .setImpressionId(impression.getImpressionId())
                .setAdapter(impression.getVersion().getAdapter())
                .setServedVersion(impression.getVersion().getNumber())
                .setServedAtMillis(impression.getServedAtMillis())
                .addAllPromptIds(impression.getPromptIdsList())
                .setWeight(rule.weight())
                .setSamplingRate(1);
        if (kind == ExampleKind.EXAMPLE_KIND_BINARY) {
            example.setSlateItems(judged(impression).size());
        }
        if (rule.klWeight() != null) {
            example.setKlWeight(rule.klWeight());
        }
        return example;
    }

    private static LabelledOption option(ShownCandidate candidate, double label) {
        return LabelledOption.newBuilder()
                .setCandidateId(candidate.getId())
                .addAllIds(candidate.getIdsList())
                .setLabel(label)
                .setServedScore(candidate.getScore())
                .setPlace(candidate.getPlace())
                .setPropensity(candidate.getPropensity())
                .build();
    }
}
