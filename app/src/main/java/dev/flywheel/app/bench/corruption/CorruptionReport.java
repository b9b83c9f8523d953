package dev.flywheel.app.bench.corruption;

import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/**
 * What became of every damage.
 *
 * @param files how many files the undamaged store has
 * @param byFate how often each fate was met
 * @param byFile the same by kind of file
 * @param harmless the kinds of damage that changed no answer, with how often and why that is so
 * @param wrong the damages after which an answer was another one, without an error: must be none
 */
public record CorruptionReport(
        long seed,
        int flips,
        int cuts,
        int deletions,
        int files,
        long bytes,
        SortedMap<Fate, Integer> byFate,
        SortedMap<String, SortedMap<Fate, Integer>> byFile,
        List<Harmless> harmless,
        List<String> wrong,
        double seconds) {

    /** What a damage led to, the worst first. */
    public enum Fate {
        /** An answer was another one, and nothing said so. */
        WRONG,
        /** The store did not open. */
        REFUSED,
        /** A read failed with an error. */
        READ_ERROR,
        /** Every answer was right; a check found the damage. */
        FOUND_BY_CHECK,
        /** Every answer was right, and nothing is missing. */
        HARMLESS
    }

    /** A kind of file whose damage changed nothing. */
    public record Harmless(String file, int count, String why, String example) {}

    /** Returns whether no answer was wrong. */
    public boolean held() {
        return wrong.isEmpty();
    }

    /** Returns the report for a person. */
    public String text() {
        StringBuilder out = new StringBuilder();
        byFile.forEach((file, fates) -> out.append(
                String.format(Locale.ROOT, "%-12s %s%n", file, counts(fates))));
        harmless.forEach(each -> out.append(String.format(Locale.ROOT,
                "harmless     %d of %s: %s (such as: %s)%n", each.count(), each.file(), each.why(),
                each.example())));
        wrong.forEach(each -> out.append("WRONG        ").append(each).append('\n'));
        return out.append(String.format(Locale.ROOT,
                "%,d flips, %,d cuts and %d deletions in %d files of %,d bytes, seed %d: %s; wrong answers without an error: %d"
                        + " (%.0f s)",
                flips, cuts, deletions, files, bytes, seed, counts(byFate), wrong.size(),
                seconds)).toString();
    }

    private static String counts(SortedMap<Fate, Integer> fates) {
        StringBuilder out = new StringBuilder();
        fates.forEach((fate, count) -> out.append(out.isEmpty() ? "" : ", ")
                .append(String.format(Locale.ROOT, "%,d %s", count,
                        fate.name().toLowerCase(Locale.ROOT).replace('_', ' '))));
        return out.toString();
    }
}
