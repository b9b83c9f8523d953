package dev.flywheel.app.replay;

import java.util.Locale;

/** A replay's figures as text. */
public final class ReplaySummary {
    private ReplaySummary() {}

    public static String text(ReplayReport r) {
        return String.join(
                "\n",
                "",
                line("ratings     %,d at %.1f/s, bad rows %,d, failed requests %d", r.ratings(),
                        r.ratingsPerSecond(), r.badRows(), r.requestsFailed()),
                arm("learned", r.learned()),
                arm("frozen", r.frozen()),
                line("versions    %,d under guard profile %s", r.versions(), r.guardProfile()),
                line(
                        "feedback    acknowledged %,d = trained %,d + quarantined %d + refused %s + pending %d%s",
                        r.feedback().acknowledged(),
                        r.feedback().trained(),
                        r.feedback().quarantined(),
                        r.feedback().refused(),
                        r.feedback().pending(),
                        r.feedback().faults(r.acknowledgedToClient())));
    }

    private static String arm(String name, ReplayReport.Arm arm) {
        return line("%-11s AUC %.4f (second half %.4f), log loss %.4f", name, arm.auc(),
                arm.aucSecondHalf(), arm.logLoss());
    }

    private static String line(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
