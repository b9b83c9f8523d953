package dev.flywheel.serving.impression;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.queue.DurableQueue;
import dev.flywheel.store.queue.DurableQueue.Entry;
import dev.flywheel.store.queue.QueueLimits;
import dev.flywheel.store.rocksdb.RocksQueue;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Impressions on the node's own disk until Kafka has them (P4): an answer's token is issued once its impression is in here, so that
 * neither a broker that is away nor the end of this process loses what feedback is going to be about.
 *
 * <p>Bounded: what does not fit is not taken. Taking waits for neither Kafka nor the disk. Thread-safe; the owner closes it after its
 * {@link SpoolDrain}.
 */
public final class ImpressionSpool implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ImpressionSpool.class);

    private final DurableQueue queue;
    private final InstantSource clock;
    private final Counter lost;
    private final Counter syncs;
    /** Held for reading while an impression is taken, for writing while the queue is opened anew. */
    private final ReentrantReadWriteLock offering = new ReentrantReadWriteLock();
    private final AtomicLong newest = new AtomicLong(-1);
    private volatile boolean broken;
    private volatile Runnable arrived = () -> {};
    /** When those were served that Kafka does not have. */
    private volatile OpenTimes unwritten = new OpenTimes();
    /** What {@link #unwritten} is to be once the queue is open again. */
    private OpenTimes counted = unwritten;

    /** An impression and its place in the queue. */
    record Spooled(Entry entry, Impression impression) {}

    /**
     * Opens the spool in a folder of its own. What cannot be read is put aside: a node answers also without what it had not sent.
     *
     * @param clock wall time, that of {@code served_at}
     */
    public static ImpressionSpool open(Path folder, QueueLimits limits, InstantSource clock,
            MeterRegistry meters) {
        return new ImpressionSpool(folder, limits, clock, meters);
    }

    private ImpressionSpool(Path folder, QueueLimits limits, InstantSource clock,
            MeterRegistry meters) {
        this.clock = clock;
        this.lost = counter(meters, "lost", "impressions that Kafka is never going to take");
        this.syncs = counter(meters, "syncs", "syncs of the spool's log");
        this.queue = RocksQueue.open(folder, limits, this::counting);
        this.unwritten = counted;
        Gauge.builder("flywheel.serving.spool.records", queue::size)
                .description("impressions on disk that Kafka does not have yet")
                .register(meters);
        Gauge.builder("flywheel.serving.spool.usage.ratio",
                () -> (double) queue.bytes() / limits.bytesMax())
                .description(
                        "share of serving.spool_bytes_max that they take, 0 to 1; full, answers carry no feedback token")
                .register(meters);
        if (queue.size() > 0) {
            log.info("{} impressions of before are still to be written into Kafka", queue.size());
        }
    }

    private static Counter counter(MeterRegistry meters, String name, String description) {
        return Counter.builder("flywheel.serving.spool." + name)
                .description(description)
                .register(meters);
    }

    /** Counts anew what is there: a try that fails half-way has counted for nothing. */
    private Consumer<Entry> counting() {
        OpenTimes times = new OpenTimes();
        counted = times;
        return entry -> {
            times.begin(parsed(entry).impression().getServedAtMillis());
            newest.accumulateAndGet(entry.number(), Math::max);
        };
    }

    private static Spooled parsed(Entry entry) {
        try {
            return new Spooled(entry, Impression.parseFrom(entry.bytes()));
        } catch (InvalidProtocolBufferException damage) {
            throw new StoreException(StoreException.Kind.CORRUPT,
                    "record " + entry.number() + " is no impression", damage);
        }
    }

    /** Takes an impression; if it does not, its answer must carry no feedback token. */
    public boolean offer(Impression impression) {
        // While it is opened anew nothing is taken, and nobody waits.
        if (!offering.readLock().tryLock()) {
            return false;
        }
        boolean taken = false;
        // Before anything that takes time: from now on time must not be said to be past it.
        unwritten.begin(impression.getServedAtMillis());
        try {
            OptionalLong number = append(impression);
            number.ifPresent(each -> newest.accumulateAndGet(each, Math::max));
            taken = number.isPresent();
        } finally {
            if (!taken) {
                unwritten.end(impression.getServedAtMillis());
            }
            offering.readLock().unlock();
        }
        arrived.run();
        return taken;
    }

    private OptionalLong append(Impression impression) {
        try {
            return queue.append(impression.toByteArray());
        } catch (StoreException failure) {
            fail(failure);
            return OptionalLong.empty();
        }
    }

    /** The queue is to be opened anew. */
    void fail(StoreException failure) {
        if (!broken) {
            log.error("answers may carry no feedback token until the spool works again: {}",
                    failure.getMessage());
        }
        broken = true;
    }

    /** When the oldest impression was served that Kafka does not have, or just before, milliseconds since 1970; 0 if it has all. */
    public long unwrittenSince() {
        OptionalLong oldest = unwritten.oldest();
        return oldest.isEmpty() ? 0 : Math.max(1, oldest.getAsLong());
    }

    /** A clock that does not go past an impression that Kafka does not have. */
    public InstantSource progress() {
        return () -> Instant.ofEpochMilli(reached());
    }

    private long reached() {
        // The clock first: what is served from now on is not before it.
        long now = clock.millis();
        return Math.min(now, unwritten.oldest().orElse(now));
    }

    /** Returns how many impressions are in it. */
    public long size() {
        return queue.size();
    }

    // What the drain calls.

    /** Names who is to be told that there is something to do; runs on any thread, and must not block. */
    void onArrival(Runnable listener) {
        arrived = listener;
    }

    boolean broken() {
        return broken;
    }

    long newest() {
        return newest.get();
    }

    /** Returns impressions from a number on, in order. */
    List<Spooled> read(long from, int countMax) {
        List<Spooled> spooled = new ArrayList<>();
        queue.read(from, countMax).forEach(entry -> spooled.add(parsed(entry)));
        return spooled;
    }

    /** Kafka has it. */
    void written(Spooled spooled) {
        if (queue.remove(spooled.entry())) {
            unwritten.end(spooled.impression().getServedAtMillis());
        }
    }

    /** Kafka is never going to take it. */
    void lost(Spooled spooled, Throwable why) {
        log.error(
                "impression {} cannot be written into Kafka, feedback on it ends as unmatched: {}",
                spooled.impression().getImpressionId(), why.toString());
        lost.increment();
    }

    /** Whether an impression up to this number is still here. */
    boolean waits(long number) {
        List<Entry> oldest = queue.read(0, 1);
        return !oldest.isEmpty() && oldest.getFirst().number() <= number;
    }

    void sync() {
        queue.sync();
        syncs.increment();
    }

    /** Opens the queue anew after a failure, and counts what is in it. Until that succeeds time stands where it stood. */
    void reopen() {
        offering.writeLock().lock();
        try {
            queue.reopen(this::counting);
            unwritten = counted;
            broken = false;
        } finally {
            offering.writeLock().unlock();
        }
        log.info("the spool works again: {} impressions are to be written into Kafka",
                queue.size());
    }

    @Override
    public void close() {
        queue.close();
    }
}
