package dev.flywheel.app.load;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** What came of requests so far. Thread-safe. */
final class LoadStats {
    private static final int SIZE_FIRST = 1 << 10;

    private final LoadSettings settings;
    private final Series firstTokens = new Series();
    private final Series gaps = new Series();
    private final Series wholes = new Series();
    private final Map<String, Long> errors = new TreeMap<>();
    private long sent;
    private long ended;
    private long good;
    private long tokens;

    LoadStats(LoadSettings settings) {
        this.settings = settings;
    }

    /** Numbers, in the order in which they came. */
    private static final class Series {
        private long[] values = new long[SIZE_FIRST];
        private int size;

        void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, 2 * size);
            }
            values[size++] = value;
        }

        long[] all() {
            return LongStream.of(values).limit(size).toArray();
        }
    }

    synchronized void sent() {
        sent++;
    }

    synchronized void ended(Exchange exchange) {
        ended++;
        tokens += exchange.tokens().size();
        if (!exchange.tokens().isEmpty()) {
            firstTokens.add(exchange.firstNanos());
        }
        exchange.gaps().forEach(gaps::add);
        if (exchange.status().isOk()) {
            wholes.add(exchange.endNanos());
            good += exchange.good(settings) ? 1 : 0;
        } else {
            errors.merge(exchange.status().getCode().name(), 1L, Long::sum);
        }
    }

    synchronized long inFlight() {
        return sent - ended;
    }

    synchronized long sentSoFar() {
        return sent;
    }

    synchronized long errorsSoFar() {
        return errors.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Returns the figures; {@code seconds} is for how long requests were sent. */
    synchronized LoadFigures figures(double seconds) {
        return new LoadFigures(sent, wholes.size, good, good / seconds, tokens / seconds,
                new TreeMap<>(errors), Percentiles.ofNanos(firstTokens.all()),
                Percentiles.ofNanos(gaps.all()), Percentiles.ofNanos(wholes.all()),
                LongStream.of(firstTokens.all()).map(nanos -> nanos / 1_000).boxed().toList());
    }
}
