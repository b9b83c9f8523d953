package dev.flywheel.app.oracle;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What became of one case.
 *
 * @param figures every measured difference beside its tolerance
 * @param problems what is wrong that has no tolerance
 * @param message in one line, why
 */
public record CaseReport(
        String id,
        String kind,
        String tier,
        String expect,
        Outcome outcome,
        List<Figure> figures,
        List<String> problems,
        String message,
        double seconds) {

    static CaseReport of(
            String id, String kind, String tier, String expect, Outcome outcome,
            Findings findings, double seconds) {
        return new CaseReport(
                id, kind, tier, expect, outcome, List.copyOf(findings.figures()),
                findings.problems(), message(outcome, findings), seconds);
    }

    /** Returns the line that the command prints. */
    public String line() {
        return String.format(
                Locale.ROOT, "%-8s%-52s %s", outcome.word(), id, message)
                .stripTrailing();
    }

    private static String message(Outcome outcome, Findings findings) {
        List<String> parts = new ArrayList<>();
        if (outcome == Outcome.FAIL) {
            findings.figures()
                    .stream()
                    .filter(figure -> !figure.within())
                    .map(Figure::toString)
                    .forEach(parts::add);
            parts.addAll(findings.problems());
            parts.add(findings.remark());
        } else if (findings.remark().isEmpty()) {
            parts.add(nearest(findings.figures()));
        } else {
            parts.add(findings.remark());
        }
        parts.add(findings.leftOut());
        return parts.stream().filter(part -> !part.isEmpty()).collect(Collectors.joining("; "));
    }

    /** Of what is within, the figure that came nearest to its tolerance says the most. */
    private static String nearest(List<Figure> figures) {
        return figures.stream()
                .max(Comparator.comparingDouble(figure -> figure.worst() / figure.allowed()))
                .map(Figure::toString)
                .orElse("");
    }
}
