package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.LabelledExample;
import java.util.Locale;

/** Signals that share a budget. */
public enum SignalClass {
    CLICKS {
        @Override
        int perHour(GuardProfile.Budgets budgets) {
            return budgets.clicksMax();
        }
    },
    THUMBS {
        @Override
        int perHour(GuardProfile.Budgets budgets) {
            return budgets.thumbsMax();
        }
    },
    CORRECTIONS {
        @Override
        int perHour(GuardProfile.Budgets budgets) {
            return budgets.correctionsMax();
        }
    },
    /** Nobody said anything. */
    SILENCE {
        @Override
        int perHour(GuardProfile.Budgets budgets) {
            return 0;
        }
    };

    /** Returns the most that a user may have of it in an hour; 0: no cap. */
    abstract int perHour(GuardProfile.Budgets budgets);

    /** Returns what is behind an example. */
    public static SignalClass of(LabelledExample example) {
        if (!example.hasFeedback()) {
            return SILENCE;
        }
        return switch (example.getFeedback().getEvent().getSignal().getKindCase()) {
            case THUMB, PREFERENCE -> THUMBS;
            case CORRECTION -> CORRECTIONS;
            case CLICK, DISMISS, RATING, REWARD, RETRACT, RENDERED, KIND_NOT_SET -> CLICKS;
        };
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
