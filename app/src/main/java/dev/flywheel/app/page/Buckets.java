package dev.flywheel.app.page;

import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A histogram's bounds, seconds, and how many were at most each, since the start; {@code count} has those above the last too.
 */
record Buckets(double[] bounds, double[] atMost, long count) {
    static Buckets of(HistogramSnapshot snapshot) {
        CountAtBucket[] all = Arrays.stream(snapshot.histogramCounts())
                .filter(each -> Double.isFinite(each.bucket())
                        && each.bucket() < (double) Long.MAX_VALUE)
                .toArray(CountAtBucket[]::new);
        return new Buckets(
                Arrays.stream(all).mapToDouble(each -> each.bucket(TimeUnit.SECONDS)).toArray(),
                Arrays.stream(all).mapToDouble(CountAtBucket::count).toArray(), snapshot.count());
    }

    /**
     * Returns a quantile of what came since {@code before}, seconds: linear within its bucket, the last bound if it is above; null
     * if nothing came.
     */
    @Nullable
    Double quantileSince(Buckets before, double quantile) {
        double came = count - (double) before.count();
        if (came <= 0 || bounds.length == 0 || before.bounds().length != bounds.length) {
            return null;
        }
        double rank = quantile * came;
        double below = 0;
        for (int i = 0; i < bounds.length; i++) {
            double within = atMost[i] - before.atMost()[i];
            if (within >= rank && within > below) {
                double from = i == 0 ? 0 : bounds[i - 1];
                return from + (bounds[i] - from) * (rank - below) / (within - below);
            }
            below = within;
        }
        return bounds[bounds.length - 1];
    }
}
