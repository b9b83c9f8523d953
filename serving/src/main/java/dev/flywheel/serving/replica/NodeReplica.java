package dev.flywheel.serving.replica;

import dev.flywheel.api.client.WatchListener;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.adapter.VersionSource;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.replica.Replica;
import dev.flywheel.store.rocksdb.RocksReplicaDisk;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's replica and the one thread that writes it. Whatever becomes of its disk, the node goes on: what cannot be read is put aside,
 * what cannot be written is tried again, and both are counted.
 *
 * <p>A node begins from it when the store's watch fails before it has told all, or has said nothing for {@link #PATIENCE}. Thread-safe.
 * The owner closes it after the node.
 */
public final class NodeReplica implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(NodeReplica.class);
    /** How long a store may say nothing at the start. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    /** Between writes: versions that are superseded meanwhile are not written. */
    private static final Duration LINGER = Duration.ofMillis(200);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long REOPEN_NANOS = 10 * SECOND;
    private static final long SYNC_NANOS = 5 * SECOND;
    private static final long HEAL_NANOS = 2 * SECOND;
    private static final long MARK_NANOS = 10 * SECOND;

    private final Replica replica;
    private final ReplicaMeters meters;
    private final InstantSource clock;
    private final LongSupplier nanos;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("replica").factory());
    private volatile @Nullable ReplicaFollower follower;
    private volatile @Nullable VersionSource source;
    // Used by the thread alone, once it runs.
    private boolean broken;
    private boolean unsynced;
    private long reopenAt;
    private long syncAt;
    private long healAt;
    private long markAt;

    /**
     * Opens the replica in a folder of its own; never fails.
     *
     * @param bytesMax bytes of all weights together
     * @param clock wall time, to tell how old it is
     */
    public static NodeReplica open(Path folder, long bytesMax, MeterRegistry meters,
            InstantSource clock) {
        return new NodeReplica(folder, bytesMax, new ReplicaMeters(meters), clock,
                System::nanoTime);
    }

    private NodeReplica(Path folder, long bytesMax, ReplicaMeters meters, InstantSource clock,
            LongSupplier nanos) {
        this.meters = meters;
        this.clock = clock;
        this.nanos = nanos;
        this.replica = new Replica(new RocksReplicaDisk(folder, meters::renewed), bytesMax,
                ServedVersions.EAGER, meters);
        long now = nanos.getAsLong();
        this.syncAt = now;
        this.healAt = now;
        this.markAt = now;
        open();
        meters.gauge("bytes", "bytes", replica::bytes);
        meters.gauge("versions", "versions", replica::blobs);
        meters.gauge("unwritten", "changes", replica::unwritten);
        meters.gauge("age", "seconds", this::age);
        meters.gauge("serving", "nodes", () -> servesFromIt() ? 1 : 0);
        var unused = thread.scheduleWithFixedDelay(this::turn, LINGER.toMillis(),
                LINGER.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Whether the node goes by its replica, since the store has not answered since the start. */
    public boolean servesFromIt() {
        ReplicaFollower following = follower;
        return following != null && following.fromReplica();
    }

    private double age() {
        ReplicaFollower following = follower;
        long at = replica.standing().atMillis();
        return following != null && following.live() || at == 0 ? 0
                : Math.max(0, clock.millis() - at) / 1000.0;
    }

    /** Returns the commit of the store to which it is current; 0 of a new one. */
    public long commit() {
        return replica.commit();
    }

    /** Returns what versions are brought from: the replica first. */
    public VersionSource over(VersionSource store) {
        VersionSource both = new ReplicaSource(replica, store, this::servesFromIt, meters);
        source = both;
        return both;
    }

    /**
     * Returns what the store's watch is to tell, and starts waiting for it.
     *
     * @param begun runs after {@code next} has been told what the replica has, where the store does not answer
     */
    public WatchListener follower(WatchListener next, Runnable begun) {
        ReplicaFollower following = new ReplicaFollower(replica, next, begun, clock);
        follower = following;
        var unused = thread.schedule(following::patienceEnds, PATIENCE.toMillis(),
                TimeUnit.MILLISECONDS);
        return following;
    }

    // On its thread from here on.

    private void turn() {
        try {
            if (broken && nanos.getAsLong() - reopenAt >= 0) {
                open();
            }
            if (!broken) {
                write();
            }
        } catch (StoreException failure) {
            fail(failure);
        } catch (RuntimeException | Error fault) {
            // A scheduled task that throws is never run again.
            log.error("keeping the replica failed by a fault of this node", fault);
        }
    }

    private void open() {
        try {
            replica.open();
            broken = false;
        } catch (RuntimeException failure) {
            fail(failure);
        }
    }

    private void fail(RuntimeException failure) {
        log.error("the replica cannot be used now; tried again in 10 s: {}", failure.getMessage());
        meters.failed();
        broken = true;
        reopenAt = nanos.getAsLong() + REOPEN_NANOS;
    }

    private void write() {
        ReplicaFollower following = follower;
        if (following != null && following.live()) {
            if (due(markAt)) {
                markAt = nanos.getAsLong() + MARK_NANOS;
                replica.current(clock.millis());
            }
            if (due(healAt)) {
                healAt = nanos.getAsLong() + HEAL_NANOS;
                heal();
            }
        }
        if (replica.dirty()) {
            replica.flush();
            unsynced = true;
        }
        if (unsynced && due(syncAt)) {
            syncAt = nanos.getAsLong() + SYNC_NANOS;
            replica.sync();
            unsynced = false;
        }
    }

    private boolean due(long at) {
        return nanos.getAsLong() - at >= 0;
    }

    /** Fetches weights that should be here and are not, such as damaged ones. */
    private void heal() {
        VersionSource from = source;
        String digest = from == null ? null : replica.missing();
        if (from == null || digest == null) {
            return;
        }
        try {
            var unused = from.blob(digest);
        } catch (ServingException why) {
            log.warn("weights {} cannot be fetched into the replica: {}", digest,
                    why.getMessage());
        }
    }

    /** Writes what has changed, and syncs it. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (thread.awaitTermination(10, TimeUnit.SECONDS)) {
                turn();
                replica.sync();
            } else {
                log.warn("the replica is still being written");
            }
        } catch (StoreException failure) {
            log.warn("what came last is not in the replica: {}", failure.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        replica.close();
    }
}
