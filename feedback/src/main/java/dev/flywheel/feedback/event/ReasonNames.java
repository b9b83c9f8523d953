package dev.flywheel.feedback.event;

import dev.flywheel.api.v1.RefusalReason;
import java.util.Locale;

/** How a reason is named in metrics, dead letters, audits and on the command line. */
public final class ReasonNames {
    private static final String PREFIX = "REFUSAL_REASON_";

    private ReasonNames() {}

    /** Returns the reason's name, such as {@code no_consent}; of one that this release does not know {@code unrecognized}. */
    public static String of(RefusalReason reason) {
        return reason.name().replace(PREFIX, "").toLowerCase(Locale.ROOT);
    }
}
