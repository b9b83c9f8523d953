package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.Signal;
import java.util.OptionalInt;
import java.util.zip.CRC32;

/**
 * What an example wants: this item up, that one down; of an answer, other words for this prompt. Told by hash, so that what is
 * kept of all of them is bounded; two that share a number share a cap.
 */
public final class Aim {
    /** There are so many numbers. */
    public static final int COUNT = 1 << 14;

    private Aim() {}

    /** Returns the number of an example's aim, from 0; empty if it has none, as silence and a slate rejected as a whole. */
    public static OptionalInt of(LabelledExample example) {
        if (!example.hasFeedback()) {
            return OptionalInt.empty();
        }
        Signal signal = example.getFeedback().getEvent().getSignal();
        return switch (signal.getKindCase()) {
            case CLICK -> ofItem(example.getExample(), signal.getClick().getCandidateId());
            case DISMISS -> ofItem(example.getExample(), signal.getDismiss().getCandidateId());
            case RATING -> ofItem(example.getExample(), signal.getRating().getCandidateId());
            case REWARD -> ofItem(example.getExample(), signal.getReward().getCandidateId());
            case THUMB, CORRECTION, PREFERENCE -> OptionalInt.of(ofPrompt(example.getExample()));
            case RETRACT, RENDERED, KIND_NOT_SET -> OptionalInt.empty();
        };
    }

    private static OptionalInt ofItem(Example example, String item) {
        if (item.isEmpty()) {
            return OptionalInt.empty();
        }
        for (LabelledOption option : example.getOptionsList()) {
            if (option.getCandidateId().equals(item)) {
                return OptionalInt.of(number(item + sign(option)));
            }
        }
        return OptionalInt.empty();
    }

    private static int ofPrompt(Example example) {
        LabelledOption said = example.getOptionsCount() == 0 ? LabelledOption.getDefaultInstance()
                : example.getOptions(0);
        return number(example.getKind() + sign(said) + example.getPromptIdsList());
    }

    private static String sign(LabelledOption option) {
        return option.getLabel() > 0 ? "+" : option.getLabel() < 0 ? "-" : "0";
    }

    private static int number(String text) {
        CRC32 hash = new CRC32();
        hash.update(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return (int) (hash.getValue() % COUNT);
    }
}
