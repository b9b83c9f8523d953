package dev.flywheel.app.abuse;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What became of each row.
 *
 * @param skipped rows that were not run, with the reason
 */
public record AbuseReport(long seed, Scale scale, List<Row> rows, Map<String, String> skipped) {
    public AbuseReport {
        rows = List.copyOf(rows);
    }

    /** @param seconds that the row took, its nodes' starts included */
    public record Row(String id, String title, double seconds, Finding finding) {
        public String text() {
            return String.format(Locale.ROOT, "%s  %s: %s  [%.0f s]", id, finding.text(),
                    finding.held() ? "held" : "DID NOT HOLD", seconds);
        }
    }

    public boolean held() {
        return rows.stream().allMatch(row -> row.finding().held());
    }

    /** Returns what was skipped, and how many rows held; for people who have read the rows. */
    public String summary() {
        List<String> lines = new ArrayList<>();
        skipped.forEach((id, why) -> lines.add(id + "  SKIPPED: " + why));
        long bad = rows.stream().filter(row -> !row.finding().held()).count();
        lines.add("%d rows held, %d DID NOT HOLD, %d SKIPPED (seed %d, scale %s)".formatted(
                rows.size() - bad, bad, skipped.size(), seed,
                scale.name().toLowerCase(Locale.ROOT)));
        return String.join("\n", lines);
    }
}
