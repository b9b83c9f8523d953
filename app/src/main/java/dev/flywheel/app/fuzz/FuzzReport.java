package dev.flywheel.app.fuzz;

import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/**
 * What became of all mutations.
 *
 * @param kinds by what was read
 * @param secondsMax longest single load
 * @param heapBytesMax most that a single load allocated on the heap
 * @param failures the first of them
 */
public record FuzzReport(
        long seed,
        int mutations,
        SortedMap<String, Count> kinds,
        int failed,
        double seconds,
        double secondsMax,
        long heapBytesMax,
        List<Failure> failures) {
    /** How many were tried, and how many of them were still valid. */
    public record Count(int tried, int accepted, int refused, int failed) {
        Count plus(boolean accepted, boolean failed) {
            return new Count(
                    tried + 1, this.accepted + (accepted ? 1 : 0),
                    refused + (accepted || failed ? 0 : 1), this.failed + (failed ? 1 : 0));
        }
    }

    /**
     * A mutation that was not met as it should be.
     *
     * @param number repeats it, with the same seed
     * @param done what had been done to the files
     */
    public record Failure(int number, String kind, String done, String problem) {}

    /** Returns whether every mutation was accepted or refused as documented, within the bounds. */
    public boolean held() {
        return failed == 0;
    }

    /** Returns the report for a person. */
    public String text() {
        StringBuilder out = new StringBuilder();
        kinds.forEach((kind, count) -> out.append(String.format(
                Locale.ROOT, "%-12s %,8d tried  %,8d refused  %,8d still valid  %d failed%n", kind,
                count.tried(), count.refused(), count.accepted(), count.failed())));
        failures.forEach(failure -> out.append(String.format(
                Locale.ROOT, "fail    mutation %d (%s: %s): %s%n", failure.number(),
                failure.kind(), failure.done(), failure.problem())));
        return out.append(String.format(
                Locale.ROOT,
                "%,d mutations with seed %d: %,d failed; longest load %.3f s, most heap of a load %.1f MiB (%.1f s)",
                mutations, seed, failed, secondsMax, heapBytesMax / (double) (1 << 20), seconds))
                .toString();
    }
}
