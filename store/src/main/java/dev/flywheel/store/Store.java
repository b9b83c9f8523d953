package dev.flywheel.store;

import dev.flywheel.store.commit.Committer;
import dev.flywheel.store.commit.Horizon;
import dev.flywheel.store.core.AdapterState;
import dev.flywheel.store.core.CommitRules;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreState;
import dev.flywheel.store.rocksdb.RocksCommitLog;
import dev.flywheel.store.rpc.RegistryService;
import dev.flywheel.store.rpc.StoreCommitService;
import dev.flywheel.store.rpc.Transfers;
import io.grpc.BindableService;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A store in a folder of its own, with the services to put into a gRPC server.
 *
 * <p>The server must accept messages of {@link #inboundBytesMax}. Close the server first, then the store; what was
 * acknowledged is durable without closing. Thread-safe.
 */
public final class Store implements AutoCloseable {
    private static final int MESSAGE_SLACK_BYTES = 1 << 20;

    private final RocksCommitLog log;
    private final Committer committer;
    private final Horizon horizon;
    private final StoreSettings settings;
    private final List<BindableService> services;

    private Store(RocksCommitLog log, StoreSettings settings, InstantSource clock) {
        this.log = log;
        this.settings = settings;
        CommitRules rules = new CommitRules(settings.limits(), settings.retention());
        this.committer = new Committer(log, rules, clock, settings.limits().commandsMax());
        this.horizon = new Horizon(committer, rules, log.history(), clock);
        Transfers transfers = new Transfers(settings.limits());
        this.services = List.of(
                new RegistryService(committer, log.history(), settings.limits(), clock, transfers),
                new StoreCommitService(committer, log.history(), settings.limits(), clock,
                        transfers));
    }

    /**
     * Opens the store in a folder, or makes it there.
     *
     * @throws StoreException with a message for the operator if the folder is in use, too new or damaged
     */
    public static Store open(Path folder, StoreSettings settings, InstantSource clock) {
        RocksCommitLog log =
                RocksCommitLog.open(folder.toAbsolutePath(), settings.retention(), clock.millis());
        return new Store(log, settings, clock);
    }

    /** {@code Registry} and {@code StoreCommit}. */
    public List<BindableService> services() {
        return services;
    }

    /** The largest message that a client may send. */
    public int inboundBytesMax() {
        return settings.limits().manifestBytesMax() + MESSAGE_SLACK_BYTES;
    }

    /** Commands that changed something since the store was made. */
    public long commits() {
        return committer.feed().state().commit();
    }

    /** Manifests without an outcome, over all adapters. */
    public long openManifests() {
        StoreState state = committer.feed().state();
        return state.sorted().stream().mapToLong((AdapterState a) -> a.open().size()).sum();
    }

    /** Lets go of manifests that are older than they have to be kept, as it does by itself every minute. */
    public void expire() {
        horizon.look();
    }

    /** Syncs of the write-ahead log since it was opened. */
    public long walSyncs() {
        return log.walSyncs();
    }

    /** Completes, with the reason, if the store ends by itself rather than acknowledge what is not durable. */
    public CompletableFuture<String> ended() {
        return committer.ended();
    }

    /**
     * Lets a store that has lost its newest commits be opened again without them.
     *
     * @param commits how many were lost, as the refusal to open says
     * @return the commit that it ends at
     * @throws StoreException if it has lost another number, is in use, or is damaged otherwise
     */
    public static long acceptLoss(Path folder, long commits) {
        return RocksCommitLog.acceptLoss(folder.toAbsolutePath(), commits);
    }

    @Override
    public void close() {
        horizon.close();
        committer.close();
    }
}
