package dev.flywheel.app.bench.serving;

import dev.flywheel.app.load.Percentiles;
import java.util.List;
import java.util.Locale;

/**
 * What swaps did to answers.
 *
 * @param gapRatio 99th percentile of the time between two tokens in the five seconds after a swap, over that after a control
 */
public record SwapReport(Fast fast, Slow slow, double gapRatio) {
    private static final double FLIP_MILLIS_MOST = 10;
    private static final double GAP_RATIO_MOST = 1.25;

    /**
     * Back and forth between two versions.
     *
     * @param stale answers with other tokens than their version gives on a cache of its own
     * @param prefixTokensCached tokens that were found in the cache: without any nothing could have been stale
     * @param flipMillisP99 99th percentile of the time to flip a reference
     * @param visibleMillis from the commit of a move until requests got the version
     */
    public record Fast(
            long swaps,
            double seconds,
            long answers,
            long failed,
            long mixed,
            long wrongDigest,
            long stale,
            long prefixTokensCached,
            double flipMillisP99,
            Percentiles visibleMillis,
            List<Long> visibleMicros) {
        boolean held() {
            return failed + mixed + wrongDigest + stale == 0 && prefixTokensCached > 0
                    && flipMillisP99 <= FLIP_MILLIS_MOST;
        }
    }

    /**
     * A new version now and then.
     *
     * @param swapGapMicros times between tokens after each swap
     * @param controlGapMicros the same after each control
     */
    public record Slow(
            int swaps,
            double perSecond,
            long answers,
            long failed,
            long wrong,
            long versions,
            List<List<Long>> swapGapMicros,
            List<List<Long>> controlGapMicros) {
        double ratio() {
            return p99(swapGapMicros) / p99(controlGapMicros);
        }

        private static double p99(List<List<Long>> gaps) {
            long[] nanos = gaps.stream()
                    .flatMap(List::stream)
                    .mapToLong(micros -> micros * 1_000)
                    .toArray();
            return Percentiles.ofNanos(nanos).p99();
        }

        private static long count(List<List<Long>> gaps) {
            return gaps.stream().mapToLong(List::size).sum();
        }
    }

    static SwapReport of(Fast fast, Slow slow) {
        return new SwapReport(fast, slow, slow.ratio());
    }

    public boolean held() {
        return fast.held() && slow.failed() + slow.wrong() == 0 && gapRatio <= GAP_RATIO_MOST;
    }

    public String text() {
        return String.format(Locale.ROOT,
                """
                        fast     %,d swaps in %.0f s beside %,d answers: failed %,d, mixed %,d, wrong digest %,d, stale %,d; %,d tokens from the cache: %s
                        flip     p99 %.4f ms (at most %.0f): %s
                        visible  p50 %.2f  p99 %.2f  max %.2f ms after the commit
                        slow     %d swaps, a control after each, %.1f requests/s: %,d answers of %,d versions, failed %,d, wrong %,d: %s
                        between  p99 %.2f ms after swaps (%,d gaps), %.2f ms after controls (%,d): ratio %.3f (at most %.2f): %s""",
                fast.swaps(), fast.seconds(), fast.answers(), fast.failed(), fast.mixed(),
                fast.wrongDigest(), fast.stale(), fast.prefixTokensCached(),
                Verdict.of(fast.held()), fast.flipMillisP99(), FLIP_MILLIS_MOST,
                Verdict.of(fast.flipMillisP99() <= FLIP_MILLIS_MOST), fast.visibleMillis().p50(),
                fast.visibleMillis().p99(), fast.visibleMillis().max(), slow.swaps(),
                slow.perSecond(), slow.answers(), slow.versions(), slow.failed(), slow.wrong(),
                Verdict.of(slow.failed() + slow.wrong() == 0), Slow.p99(slow.swapGapMicros()),
                Slow.count(slow.swapGapMicros()), Slow.p99(slow.controlGapMicros()),
                Slow.count(slow.controlGapMicros()), gapRatio, GAP_RATIO_MOST,
                Verdict.of(gapRatio <= GAP_RATIO_MOST));
    }
}
