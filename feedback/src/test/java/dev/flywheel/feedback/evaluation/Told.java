package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.Dismiss;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.Rating;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;

/** Examples as attribution makes them. */
final class Told {
    static final long SERVED_AT = 1_000_000;

    private Told() {}

    static LabelledExample click(String impression, String item, long at, LabelledOption... slate) {
        return told(impression, "click" + item, at,
                Signal.newBuilder().setClick(Click.newBuilder().setCandidateId(item)), slate);
    }

    static LabelledExample dismissal(String impression, String item, long at,
            LabelledOption... slate) {
        return told(impression, "dismiss" + item, at,
                Signal.newBuilder().setDismiss(Dismiss.newBuilder().setCandidateId(item)), slate);
    }

    static LabelledExample rating(String impression, String item, double value, long at,
            LabelledOption... slate) {
        return told(impression, "rating" + item + value, at, Signal.newBuilder()
                .setRating(Rating.newBuilder().setCandidateId(item).setValue(value)), slate);
    }

    static LabelledExample reward(String impression, String item, double value, long at,
            LabelledOption... slate) {
        return told(impression, "reward" + item + value, at, Signal.newBuilder()
                .setReward(Reward.newBuilder().setCandidateId(item).setValue(value)), slate);
    }

    static LabelledExample thumb(String impression, boolean up, long at) {
        return told(impression, "thumb" + up, at,
                Signal.newBuilder().setThumb(Thumb.newBuilder().setUp(up)));
    }

    static LabelledExample correction(String impression, long at) {
        return told(impression, "correction", at,
                Signal.newBuilder().setCorrection(Correction.newBuilder().setText("Paris")));
    }

    static LabelledExample silence(String impression, long at, LabelledOption... kept) {
        return LabelledExample.newBuilder()
                .setExample(example(impression, "silence", at, kept).setSignal("silence"))
                .build();
    }

    private static LabelledExample told(String impression, String what, long at,
            Signal.Builder signal, LabelledOption... slate) {
        LabelledExample.Builder told = LabelledExample.newBuilder()
                .setExample(example(impression, what, at, slate));
        told.getFeedbackBuilder().getEventBuilder().setSignal(signal);
        return told.build();
    }

    private static Example.Builder example(String impression, String what, long at,
            LabelledOption... slate) {
        Example.Builder example = Example.newBuilder()
                .setExampleId(impression + "/" + what + "@" + at)
                .setImpressionId(impression)
                .setKind(ExampleKind.EXAMPLE_KIND_LISTWISE)
                .setServedVersion(3)
                .setServedAtMillis(SERVED_AT)
                .setSamplingRate(1)
                .setLabelledAtMillis(at);
        for (LabelledOption option : slate) {
            example.addOptions(option);
        }
        example.getScoringBuilder().setVerdict(slate.length > 0);
        return example;
    }

    /** As attribution hands it on; {@code follows}: not the first of its answer. */
    static LoopItem item(LabelledExample told, boolean follows) {
        return LoopItem.newBuilder().setExample(told).setFollows(follows).build();
    }

    static LoopItem evaluationOnly(LabelledExample told) {
        return LoopItem.newBuilder().setEvaluationOnly(told).build();
    }

    static LabelledOption option(String item, double score, double label) {
        return LabelledOption.newBuilder()
                .setCandidateId(item)
                .setServedScore(score)
                .setLabel(label)
                .build();
    }

    static LabelledExample ofKind(LabelledExample told, ExampleKind kind) {
        return told.toBuilder().setExample(told.getExample().toBuilder().setKind(kind)).build();
    }

    /** @param action index of the option that the policy is judged by */
    static LabelledExample decision(LabelledExample told, int action) {
        Example.Builder example = told.getExample()
                .toBuilder()
                .setKind(ExampleKind.EXAMPLE_KIND_BANDIT)
                .setAction(action);
        return told.toBuilder().setExample(example).build();
    }

    static LabelledExample ofVersion(LabelledExample told, long version) {
        return told.toBuilder()
                .setExample(told.getExample().toBuilder().setServedVersion(version))
                .build();
    }
}
