package dev.flywheel.app.demo;

import java.util.Locale;

/** A demo's figures as text. */
public final class DemoSummary {
    private DemoSummary() {}

    public static String text(DemoReport r) {
        return String.join(
                "\n",
                "",
                line("impressions    %,d; requests failed %d, answers mixed %d", r.impressions(),
                        r.requestsFailed(), r.answersMixed()),
                line(
                        "feedback       acknowledged %,d = trained %,d + quarantined %d + refused %s + pending %d%s",
                        r.feedback().acknowledged(),
                        r.feedback().trained(),
                        r.feedback().quarantined(),
                        r.feedback().refused(),
                        r.feedback().pending(),
                        r.feedback().faults(r.acknowledgedToClients())),
                line("versions       %,d, swaps %,d, flip p99 %.3f ms", r.versions(),
                        r.swaps().count(), r.swaps().flipMillisP99()),
                line(
                        "loop           p50 %s, p95 %s, p99 %s from acknowledgement to an answer that learned it, of %,d events",
                        Figure.seconds(r.loopSeconds().p50()),
                        Figure.seconds(r.loopSeconds().p95()),
                        Figure.seconds(r.loopSeconds().p99()),
                        r.loopSeconds().measured()),
                line("click-through  last quarter (all)"),
                arm("learned", r.clickThrough().learned()),
                arm("popularity", r.clickThrough().popularity()),
                arm("frozen", r.clickThrough().frozen()),
                "drift          " + recovery(r.recoverySecondsAfterDrift()),
                line(
                        "correction     right after %s and %d asks, paraphrase %s, %.0f %% of unrelated answers unchanged",
                        Figure.seconds(r.correction().secondsToRight()),
                        r.correction().asks(),
                        r.correction().paraphraseRight() ? "right" : "wrong",
                        r.correction().unrelatedUnchanged() * 100),
                r.held()
                        ? "every event accounted for, no request failed, no answer mixed versions"
                        : "FAILED: see above");
    }

    private static String recovery(double seconds) {
        return Double.isNaN(seconds)
                ? "not recovered before the traffic ended"
                : line("recovered in %.1f s", seconds);
    }

    private static String arm(String name, DemoReport.Rates rates) {
        return line("  %-12s %.3f (%.3f)", name, rates.lastQuarter(), rates.all());
    }

    private static String line(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
