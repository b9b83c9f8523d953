package dev.flywheel.app.bench.serving;

import java.util.List;
import java.util.Locale;

/**
 * How many tokens a second are decoded with so many rows in a step.
 *
 * @param context tokens that each row has behind it
 * @param ratio the most rows' pace over that of one row
 * @param adapterRatio the least, of all numbers of rows, of the pace with one rank-8 adapter over that without
 */
public record BatchReport(
        String model,
        int threads,
        int context,
        int steps,
        List<Row> rows,
        double ratio,
        double ratioLeast,
        double adapterRatio,
        double adapterRatioLeast) {

    /**
     * Tokens a second, the median of the runs.
     *
     * @param none without an adapter
     * @param one all rows with the same
     * @param each every row with another one, as far as there are slots
     */
    public record Row(
            int rows,
            double none,
            double one,
            double each,
            List<Double> noneRuns,
            List<Double> oneRuns,
            List<Double> eachRuns) {
        /** Pace with one adapter over that without. */
        public double oneRatio() {
            return one / none;
        }
    }

    public boolean held() {
        return ratio >= ratioLeast && adapterRatio >= adapterRatioLeast;
    }

    public String text() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT,
                "decode, %s, %d threads, %d tokens of context, median of runs%n%6s %12s %12s %12s %8s",
                model, threads, context, "rows", "no adapter", "one", "one a row", "one/none"));
        for (Row row : rows) {
            out.append(String.format(Locale.ROOT, "%n%6d %8.1f t/s %8.1f t/s %8.1f t/s %8.3f",
                    row.rows(), row.none(), row.one(), row.each(), row.oneRatio()));
        }
        out.append(String.format(Locale.ROOT,
                "%n%d rows / 1 row: %.2f (at least %.2f): %s"
                        + "%none rank-%d adapter / none: %.3f at the least (at least %.2f): %s",
                rows.getLast().rows(), ratio, ratioLeast, Verdict.of(ratio >= ratioLeast),
                SyntheticAdapters.RANK, adapterRatio, adapterRatioLeast,
                Verdict.of(adapterRatio >= adapterRatioLeast)));
        return out.toString();
    }
}
