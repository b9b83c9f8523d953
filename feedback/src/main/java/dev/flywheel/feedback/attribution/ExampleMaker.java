package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.List;

/**
 * Makes examples out of an impression and a label. An example carries everything that training needs and depends on nothing
 * but its impression, item, label and sequence: the order in which other items were labelled leaves no trace in it.
 */
final class ExampleMaker {
    private static final String SILENT = "silent";

    private ExampleMaker() {}

    /** Returns the example of an explicit signal. */
    static Example explicit(
            Impression impression, SignalLabels.Labelled label, int sequence, FeedbackEvent event) {
        Example.Builder example = common(impression, label.kind())
                .setExampleId(Hashes.exampleId(impression.getImpressionId(), label.item(),
                        label.kind(), label.comparable(), sequence))
                .addFeedback(FeedbackIds.keyOf(event))
                .setLabelledAtMillis(event.getReceivedAtMillis())
                .setLabelSequence(sequence);
        return switch (label.kind()) {
            // The trainer's tokenizer turns the text into ids; nothing before it has one.
            case EXAMPLE_KIND_SFT -> example
                    .addOptions(LabelledOption.newBuilder()
                            .setCandidateId(label.text())
                            .setLabel(label.label()))
                    .build();
            case EXAMPLE_KIND_KTO -> example
                    .addOptions(option(impression.getCandidates(0), label.label()))
                    .build();
            default -> judgedSlate(impression, label, example);
        };
    }

    private static Example judgedSlate(
            Impression impression, SignalLabels.Labelled label, Example.Builder example) {
        for (ShownCandidate candidate : judged(impression)) {
            boolean meant = label.item().isEmpty() || candidate.getId().equals(label.item());
            // Who says that one item was nothing says nothing about the others; beside a 0 theirs would say the same.
            if (meant || label.label() != 0) {
                example.addOptions(option(candidate, meant ? label.label() : 0));
            }
        }
        return example.setScoring(impression.getScoring()).build();
    }

    /**
     * Returns the example of a slate that nobody answered, over the items that sampling kept. Its weight is their share of what
     * was shown: training takes the mean over them, times weight / rate, which is on average the mean over all that was shown.
     */
    static Example silent(Impression impression, List<ShownCandidate> kept, double rate,
            long atMillis) {
        ExampleKind kind = ExampleKind.EXAMPLE_KIND_LISTWISE;
        Example.Builder example = common(impression, kind)
                .setExampleId(Hashes.exampleId(impression.getImpressionId(), "", kind, SILENT, 0))
                .setWeight((double) kept.size() / judged(impression).size())
                .setSamplingRate(rate)
                .setLabelledAtMillis(atMillis)
                .setScoring(impression.getScoring());
        kept.forEach(candidate -> example.addOptions(option(candidate, 0)));
        return example.build();
    }

    /** Returns what the user could have judged: of a slate what was shown, of scored continuations all. */
    static List<ShownCandidate> judged(Impression impression) {
        return impression.getKind() == DecisionKind.DECISION_KIND_RANK
                ? impression.getCandidatesList()
                        .stream()
                        .filter(each -> each.getPlace() >= 0)
                        .toList()
                : impression.getCandidatesList();
    }

    private static Example.Builder common(Impression impression, ExampleKind kind) {
        return Example.newBuilder()
                .setKind(kind)
                .setTenant(impression.getTenant())
                .setUser(impression.getUser())
                .setImpressionId(impression.getImpressionId())
                .setAdapter(impression.getVersion().getAdapter())
                .setServedVersion(impression.getVersion().getNumber())
                .addAllPromptIds(impression.getPromptIdsList())
                .setWeight(1)
                .setSamplingRate(1);
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
