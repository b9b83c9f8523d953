package dev.flywheel.serving.impression;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.queue.DurableQueue;
import dev.flywheel.store.queue.DurableQueue.Entry;
import dev.flywheel.store.queue.QueueLimits;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Impressions on the node's own disk until Kafka has them (P4): an answer's token is issued once its impression is in here, so that
 * neither a broker that is away nor the end of this process loses what feedback is going to be about.
 *
 * <p>Bounded: what does not fit is not taken. Taking never waits for Kafka. Thread-safe; the owner closes it after its {@link
 * SpoolDrain}.
 */
public final class ImpressionSpool implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ImpressionSpool.class);

    private final DurableQueue queue;
    private final InstantSource clock;
    private final Counter lost;
    private volatile Runnable arrived = () -> {};
    // Guarded by this.
    /** How many were served in a second, by the second's first millisecond. */
    private final TreeMap<Long, Integer> unwritten = new TreeMap<>();
    private long newest = -1;
    private long handed = -1;
    /** When the oldest was served that has not been handed on; of no meaning if all have. */
    private long waitingSince;
    private boolean failing;

    /** An impression and its place in the queue. */
    record Spooled(Entry entry, Impression impression) {}

    /**
     * Opens the spool in a folder of its own. One that cannot be read is put aside and a new one made: a node answers also without
     * what it had not sent.
     *
     * @param clock wall time, that of {@code served_at}
     */
    public static ImpressionSpool open(Path folder, QueueLimits limits, InstantSource clock,
            MeterRegistry meters) {
        try {
            return new ImpressionSpool(folder, limits, clock, meters);
        } catch (StoreException damage) {
            if (damage.kind() != StoreException.Kind.CORRUPT) {
                throw damage;
            }
            Path aside = folder.resolveSibling(folder.getFileName() + ".damaged-" + clock.millis());
            log.error("impressions that Kafka had not taken cannot be read ({}); they are in {},"
                    + " feedback on them ends as unmatched", damage.getMessage(), aside);
            move(folder, aside);
            return new ImpressionSpool(folder, limits, clock, meters);
        }
    }

    private ImpressionSpool(Path folder, QueueLimits limits, InstantSource clock,
            MeterRegistry meters) {
        this.clock = clock;
        this.lost = meters.counter("flywheel.serving.spool.lost");
        this.queue = DurableQueue.open(folder, limits, this::found);
        Gauge.builder("flywheel.serving.spool.records", queue::size).register(meters);
        Gauge.builder("flywheel.serving.spool.bytes", queue::bytes)
                .baseUnit("bytes")
                .register(meters);
        if (newest >= 0) {
            log.info("{} impressions of before are still to be written into Kafka", queue.size());
        }
    }

    private static void move(Path folder, Path aside) {
        try {
            Files.move(folder, aside);
        } catch (IOException failure) {
            throw new StoreException(StoreException.Kind.IO, "folder " + folder
                    + " is damaged and cannot be moved out of the way: " + failure.getMessage(),
                    failure);
        }
    }

    private synchronized void found(Entry entry) {
        try {
            note(entry.number(), Impression.parseFrom(entry.bytes()).getServedAtMillis());
        } catch (InvalidProtocolBufferException damage) {
            throw new StoreException(StoreException.Kind.CORRUPT,
                    "record " + entry.number() + " is no impression", damage);
        }
    }

    private void note(long number, long servedAt) {
        unwritten.merge(second(servedAt), 1, Integer::sum);
        if (newest <= handed) {
            waitingSince = servedAt;
        }
        newest = Math.max(newest, number);
    }

    /** Takes an impression; if it does not, its answer must carry no feedback token. */
    public boolean offer(Impression impression) {
        OptionalLong number = append(impression);
        number.ifPresent(taken -> arrived.run());
        return number.isPresent();
    }

    /** Under one lock, so that nobody sees a record that has not been counted. */
    private synchronized OptionalLong append(Impression impression) {
        try {
            OptionalLong number = queue.append(impression.toByteArray());
            number.ifPresent(taken -> note(taken, impression.getServedAtMillis()));
            failing = false;
            return number;
        } catch (StoreException failure) {
            if (!failing) {
                log.error("answers carry no feedback token: {}", failure.getMessage());
            }
            failing = true;
            return OptionalLong.empty();
        }
    }

    /** When the oldest impression was served that Kafka does not have, to the second below, milliseconds since 1970; 0 if it has all. */
    public synchronized long unwrittenSince() {
        return unwritten.isEmpty() ? 0 : Math.max(1, unwritten.firstKey());
    }

    /** A clock that stands where impressions have been handed on up to, and is the node's own once all have. */
    public InstantSource progress() {
        return () -> Instant.ofEpochMilli(reached());
    }

    private synchronized long reached() {
        long now = clock.millis();
        return newest <= handed ? now : Math.min(now, waitingSince);
    }

    /** Returns how many impressions are in it. */
    public long size() {
        return queue.size();
    }

    // What the drain calls.

    /** Names who is to be told that there is more; may be called from any thread, and must not block. */
    void onArrival(Runnable listener) {
        arrived = listener;
    }

    synchronized boolean hasFrom(long number) {
        return newest >= number;
    }

    /** Returns impressions from a number on, in order. */
    List<Spooled> read(long from, int countMax) {
        List<Spooled> spooled = new ArrayList<>();
        for (Entry entry : queue.read(from, countMax)) {
            try {
                spooled.add(new Spooled(entry, Impression.parseFrom(entry.bytes())));
            } catch (InvalidProtocolBufferException impossible) {
                throw new StoreException(StoreException.Kind.CORRUPT,
                        "record " + entry.number() + " is no impression", impossible);
            }
        }
        return spooled;
    }

    /** Kafka's producer has it, after all before it. */
    synchronized void handed(Spooled spooled) {
        handed = Math.max(handed, spooled.entry().number());
        waitingSince = spooled.impression().getServedAtMillis();
    }

    /** Kafka has it. */
    void written(Spooled spooled) {
        queue.remove(spooled.entry());
        synchronized (this) {
            unwritten.computeIfPresent(second(spooled.impression().getServedAtMillis()),
                    (at, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Kafka is never going to take it. */
    void lost(Spooled spooled, Throwable why) {
        log.error(
                "impression {} cannot be written into Kafka, feedback on it ends as unmatched: {}",
                spooled.impression().getImpressionId(), why.toString());
        lost.increment();
        written(spooled);
    }

    void sync() {
        queue.sync();
    }

    private static long second(long millis) {
        return millis - Math.floorMod(millis, 1000L);
    }

    @Override
    public void close() {
        queue.close();
    }
}
