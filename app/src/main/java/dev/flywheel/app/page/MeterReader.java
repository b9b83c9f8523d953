package dev.flywheel.app.page;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Statistic;
import io.micrometer.core.instrument.Timer;
import java.util.Collection;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Reads the meters of this process by name; what no part of it measures is null. Thread-safe. */
final class MeterReader {
    private final MeterRegistry meters;

    MeterReader(MeterRegistry meters) {
        this.meters = meters;
    }

    /** Returns how often something was counted, over all series with these tags. */
    @Nullable
    Double count(String name, String... tags) {
        return sum(name, Statistic.COUNT, tags);
    }

    private @Nullable Double sum(String name, Statistic statistic, String... tags) {
        Collection<Meter> found = meters.find(name).tags(tags).meters();
        return found.isEmpty() ? null
                : found.stream()
                        .flatMap(meter -> StreamSupport
                                .stream(meter.measure().spliterator(), false))
                        .filter(measured -> measured.getStatistic() == statistic)
                        .mapToDouble(measured -> measured.getValue())
                        .sum();
    }

    /** Returns a gauge's value. */
    @Nullable
    Double value(String name, String... tags) {
        Gauge gauge = meters.find(name).tags(tags).gauge();
        return gauge == null ? null : finite(gauge.value());
    }

    /** Returns the values of a gauge by one of its tags. */
    SortedMap<String, Double> values(String name, String by, String... tags) {
        SortedMap<String, Double> values = new TreeMap<>();
        for (Gauge gauge : meters.find(name).tags(tags).gauges()) {
            String label = gauge.getId().getTag(by);
            Double value = finite(gauge.value());
            if (label != null && value != null) {
                values.put(label, value);
            }
        }
        return values;
    }

    /** Returns the buckets of a timer, null if there is none. */
    @Nullable
    Buckets buckets(String name) {
        Timer timer = meters.find(name).timer();
        return timer == null ? null : Buckets.of(timer.takeSnapshot());
    }

    static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    /** Returns whole numbers, as counts are shown. */
    static SortedMap<String, Long> whole(Map<String, Double> values) {
        SortedMap<String, Long> whole = new TreeMap<>();
        values.forEach((name, value) -> whole.put(name, Math.round(value)));
        return whole;
    }
}
