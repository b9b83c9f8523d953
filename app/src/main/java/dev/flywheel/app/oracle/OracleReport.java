package dev.flywheel.app.oracle;

import java.util.List;
import java.util.Locale;

/** What became of all cases. */
public record OracleReport(
        String format,
        String backend,
        int passed,
        int refused,
        int failed,
        double seconds,
        List<CaseReport> cases) {

    static OracleReport of(String backend, List<CaseReport> cases, double seconds) {
        return new OracleReport(
                OracleCase.FORMAT, backend, count(cases, Outcome.PASS),
                count(cases, Outcome.REFUSED), count(cases, Outcome.FAIL), seconds,
                List.copyOf(cases));
    }

    /** Returns whether every case holds. */
    public boolean held() {
        return failed == 0;
    }

    /** Returns the last line that the command prints. */
    public String total() {
        return String.format(
                Locale.ROOT,
                "%d cases on backend %s: %d passed, %d refused as allowed, %d failed (%.1f s)",
                cases.size(), backend, passed, refused, failed, seconds);
    }

    private static int count(List<CaseReport> cases, Outcome outcome) {
        return (int) cases.stream().filter(c -> c.outcome() == outcome).count();
    }
}
