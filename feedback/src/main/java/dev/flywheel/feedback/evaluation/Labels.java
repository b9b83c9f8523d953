package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.JudgedItem;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.Signal;
import java.util.List;
import java.util.Locale;

/** What an example says of the items it holds, as far as evaluation goes. */
final class Labels {
    static final String SILENCE = "silence";

    private Labels() {}

    /** Returns the name of the signal behind it. */
    static String signalOf(LabelledExample labelled) {
        if (!labelled.getExample().getSignal().isEmpty()) {
            return labelled.getExample().getSignal();
        }
        return labelled.hasFeedback()
                ? signal(labelled).getKindCase().name().toLowerCase(Locale.ROOT)
                : SILENCE;
    }

    /** Returns what the label is worth: see {@code Evaluation.reward}. */
    static double rewardOf(LabelledExample labelled) {
        Signal signal = signal(labelled);
        return switch (signal.getKindCase()) {
            case CLICK, PREFERENCE -> 1;
            case DISMISS, CORRECTION -> -1;
            case THUMB -> signal.getThumb().getUp() ? 1 : -1;
            case RATING -> signal.getRating().getValue();
            case REWARD -> Math.max(-1, Math.min(1, signal.getReward().getValue()));
            case RETRACT, RENDERED, KIND_NOT_SET -> 0;
        };
    }

    /** Returns the options whose served verdict is held against the label. */
    static List<LabelledOption> judgedOf(LabelledExample labelled) {
        Example example = labelled.getExample();
        if (!example.getScoring().getVerdict() || example.getOptionsCount() == 0) {
            return List.of();
        }
        return switch (example.getKind()) {
            case EXAMPLE_KIND_LISTWISE, EXAMPLE_KIND_BINARY -> example.getOptionsList();
            case EXAMPLE_KIND_BANDIT -> decided(example);
            case EXAMPLE_KIND_SFT, EXAMPLE_KIND_KTO, EXAMPLE_KIND_DPO, EXAMPLE_KIND_UNSPECIFIED,
                    UNRECOGNIZED ->
                List.of();
        };
    }

    /** The item that is trained on too. */
    private static List<LabelledOption> decided(Example example) {
        return example.hasAction() ? List.of(example.getOptions(example.getAction())) : List.of();
    }

    /**
     * Returns a label of an item.
     *
     * @param teaches whether it is learned from
     */
    static JudgedItem item(LabelledExample labelled, LabelledOption option, long beginsAtMillis,
            boolean teaches) {
        Example example = labelled.getExample();
        String about = itemOf(signal(labelled));
        boolean bandit = example.getKind() == ExampleKind.EXAMPLE_KIND_BANDIT;
        double rate = labelled.hasFeedback() || example.getSamplingRate() <= 0 ? 1
                : example.getSamplingRate();
        boolean said = labelled.hasFeedback()
                && (bandit || about.isEmpty() || about.equals(option.getCandidateId()));
        return JudgedItem.newBuilder()
                .setItem(option.getCandidateId())
                .setScore(option.getServedScore())
                .setTaken(option.getLabel() > 0)
                .setSaid(said)
                .setTaught(said && teaches)
                .setLabelledAtMillis(example.getLabelledAtMillis())
                .setBeginsAtMillis(beginsAtMillis)
                .setWeightMicros(Math.round(Verdict.ONE / rate))
                .build();
    }

    /** Whether a label takes the place of another of the same item; a total order, so that the last one standing is the same. */
    static boolean inForce(JudgedItem item, JudgedItem other) {
        if (item.getSaid() != other.getSaid()) {
            return item.getSaid();
        }
        long later = item.getLabelledAtMillis() - other.getLabelledAtMillis();
        if (later != 0) {
            return item.getSaid() ? later > 0 : later < 0;
        }
        return item.getTaken() == other.getTaken()
                ? item.getWeightMicros() > other.getWeightMicros()
                : item.getTaken();
    }

    private static Signal signal(LabelledExample labelled) {
        return labelled.getFeedback().getEvent().getSignal();
    }

    private static String itemOf(Signal signal) {
        return switch (signal.getKindCase()) {
            case CLICK -> signal.getClick().getCandidateId();
            case DISMISS -> signal.getDismiss().getCandidateId();
            case RATING -> signal.getRating().getCandidateId();
            case REWARD -> signal.getReward().getCandidateId();
            case THUMB, CORRECTION, PREFERENCE, RETRACT, RENDERED, KIND_NOT_SET -> "";
        };
    }
}
