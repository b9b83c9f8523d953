package dev.flywheel.app.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A simulation's figures as text. */
public final class SimulationSummary {
    private SimulationSummary() {}

    public static String text(SimulationReport report) {
        List<String> lines = new ArrayList<>();
        lines.add("");
        lines.add("%s: %s".formatted(report.scenario(), report.summary()));
        report.means()
                .forEach((arm, figures) -> figures.forEach((figure, interval) -> lines
                        .add(line(arm, figure, interval))));
        lines.add("target: " + report.target());
        lines.add(String.format(Locale.ROOT, "%s, %d %s, %.0f s", report.met() ? "met" : "NOT MET",
                report.seeds().size(), report.seeds().size() == 1 ? "seed" : "seeds",
                report.wallSeconds()));
        return String.join("\n", lines);
    }

    private static String line(String arm, String figure, Interval interval) {
        String spread = Double.isNaN(interval.halfWidth()) ? ""
                : String.format(Locale.ROOT, " ± %.4g", interval.halfWidth());
        return String.format(Locale.ROOT, "  %-16s %-28s %.4g%s", arm, figure, interval.mean(),
                spread);
    }
}
