package dev.flywheel.app.bench.serving;

import java.util.List;
import java.util.Locale;

/**
 * What many adapters cost.
 *
 * @param tokensPerSecond of each number of adapters
 * @param firstTokenMillis median time to the first token, of each working set
 */
public record AdaptersReport(
        String model,
        int threads,
        int slots,
        int clients,
        int registered,
        List<Runs> tokensPerSecond,
        List<Runs> firstTokenMillis,
        List<Ratio> ratios,
        long failed,
        long wrong) {

    /** What was asked, the figures of all runs, and the one that stands for them. */
    public record Runs(String what, double median, List<Double> runs) {
        static Runs of(String what, List<Double> runs) {
            return new Runs(what, Medians.of(runs), runs);
        }
    }

    /** A figure against its target. */
    public record Ratio(String what, double value, double target, boolean atLeast) {
        boolean held() {
            return atLeast ? value >= target : value <= target;
        }

        String text() {
            return String.format(Locale.ROOT, "%s: %.3f (%s %.2f): %s", what, value,
                    atLeast ? "at least" : "at most", target, Verdict.of(held()));
        }
    }

    public boolean held() {
        return failed == 0 && wrong == 0 && ratios.stream().allMatch(Ratio::held);
    }

    public String text() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT,
                "%s, %d threads, %d slots, %d clients, %,d adapters of rank %d registered", model,
                threads, slots, clients, registered, SyntheticAdapters.RANK));
        for (Runs each : tokensPerSecond) {
            out.append(String.format(Locale.ROOT, "%n%-34s %8.1f tokens/s  %s", each.what(),
                    each.median(), rounded(each.runs())));
        }
        for (Runs each : firstTokenMillis) {
            out.append(String.format(Locale.ROOT, "%n%-34s %8.1f ms       %s", each.what(),
                    each.median(), rounded(each.runs())));
        }
        ratios.forEach(each -> out.append(String.format("%n%s", each.text())));
        return out.append(String.format(Locale.ROOT, "%nfailed %,d, wrong %,d: %s", failed, wrong,
                Verdict.of(failed == 0 && wrong == 0))).toString();
    }

    private static List<String> rounded(List<Double> runs) {
        return runs.stream().map(each -> String.format(Locale.ROOT, "%.1f", each)).toList();
    }
}
