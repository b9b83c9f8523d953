package dev.flywheel.app.local;

import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.serving.rpc.ServingNode;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.adapter.DeletedAdapterException;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole loop in one process, on real parts: Kafka broker, Flink MiniCluster with the same job that a cluster runs, store
 * on RocksDB, trainer and serving node over one copy of the base weights.
 *
 * <p>The parts talk as they would between machines: gRPC on loopback and Kafka. They belong to a {@link Closing}; closing it
 * drains: serving first, so that nothing new comes in, then the job, trainer, broker and store.
 */
public final class LocalLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LocalLoop.class);
    private static final long DRAIN_PAUSE_NANOS = 100_000_000;
    private static final long POLL_NANOS = 5_000_000;
    private static final Duration SERVED = Duration.ofSeconds(60);

    /** Audits that must agree before a drain is over: an event may be between two counters for a moment. */
    private static final int DRAINED_AUDITS = 3;

    private final Closing closing;
    private final FlywheelConfig config;
    private final LoopParts parts;
    private final ManagedChannel channel;
    private final ManagedChannel admin;
    private final Consumer<String> listener;

    private LocalLoop(
            Closing closing, FlywheelConfig config, LoopParts parts, Consumer<String> listener) {
        this.closing = closing;
        this.config = config;
        this.parts = parts;
        this.channel = connect(closing, "client channel", parts.listens().dialled());
        this.admin = connect(closing, "admin channel", parts.endpoints().admin());
        this.listener = listener;
    }

    /**
     * Starts everything and returns when the node answers; after a failure what had started so far is stopped.
     *
     * @param data folder for all state
     * @param model base model folder
     * @throws StartException or another with a message for the operator
     */
    public static LocalLoop start(FlywheelConfig config, Path data, Path model) {
        Closing closing = new Closing();
        try {
            return start(
                    config, data, model, OptionNames.KEPT, closing, starting -> {},
                    LoadProgress.NONE);
        } catch (RuntimeException e) {
            closing.close();
            throw e;
        }
    }

    /**
     * Starts everything and returns when the node answers.
     *
     * @param data folder for all state
     * @param model base model folder
     * @param options what to change after a failure, as the command calls it
     * @param closing takes over each part as soon as it has started; the caller closes it, also after a failure
     * @param listener told what starts now, and what cannot, in words for the operator
     * @param reading told how far the model is read
     * @throws StartException or another with a message for the operator
     */
    public static LocalLoop start(
            FlywheelConfig config, Path data, Path model, OptionNames options, Closing closing,
            Consumer<String> listener, LoadProgress reading) {
        return start(config, data, model, options, closing, listener, reading,
                InstantSource.system());
    }

    /**
     * The same, with a clock of one's own.
     *
     * @param clock what serving, publishers and store take for the time; it must never be ahead of the machine's
     */
    public static LocalLoop start(
            FlywheelConfig config, Path data, Path model, OptionNames options, Closing closing,
            Consumer<String> listener, LoadProgress reading, InstantSource clock) {
        LoopParts parts =
                LoopParts.start(config, data, model, options, closing, listener, reading, clock);
        return new LocalLoop(closing, config, parts, listener);
    }

    private static ManagedChannel connect(Closing closing, String what, String target) {
        ManagedChannel channel =
                Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
        AutoCloseable unused = closing.add(what, () -> () -> stop(channel));
        return channel;
    }

    private static void stop(ManagedChannel channel) throws InterruptedException {
        channel.shutdownNow();
        channel.awaitTermination(1, TimeUnit.SECONDS);
    }

    /** A channel to the public port, as an outside client has it. */
    public ManagedChannel channel() {
        return channel;
    }

    /** A channel to the admin port, as an operator has it. */
    public ManagedChannel adminChannel() {
        return admin;
    }

    /**
     * Makes the adapter that the settings describe if there is none of its name, and waits until the node serves it. If it was
     * deleted the node goes on without it, for the sake of the others, and says so.
     */
    public void createAdapterOfSettings() {
        String name = config.adapter().name();
        try {
            createAdapter(name, ModuleSettings.adapter(config.adapter()));
        } catch (DeletedAdapterException deleted) {
            String note = ("going on without adapter %s, which was deleted; for a new one set"
                    + " adapter.name to another name").formatted(name);
            LOG.warn("{}", note);
            listener.accept(note);
        }
    }

    /**
     * Makes an adapter of this base if there is none of that name, and waits until the node serves it.
     *
     * @throws DeletedAdapterException if there was one of that name
     */
    public void createAdapter(String name, AdapterSettings settings) {
        ServingRole.createAdapter(parts.store(), parts.base(), name, settings);
        awaitServed(settings.tenant(), name);
    }

    /** The node hears of a new adapter through its watch of the store, some milliseconds later; asks until it answers. */
    private void awaitServed(String tenant, String adapter) {
        long deadline = System.nanoTime() + SERVED.toNanos();
        while (!node().serves(tenant, adapter, SERVED)) {
            if (System.nanoTime() > deadline) {
                throw new StartException(
                        "the node did not take up adapter %s within %d s; %s"
                                .formatted(adapter, SERVED.toSeconds(), LogFile.hint()));
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** Returns where what listens. */
    public Endpoints endpoints() {
        return parts.endpoints();
    }

    public String guardProfile() {
        return config.loop().guardProfile();
    }

    /** Versions flipped into place since the start. */
    public long swaps() {
        return node().swaps().count();
    }

    /** 99th percentile of the time of one flip, milliseconds. */
    public double flipMillisP99() {
        return node().swaps().flipMillisP99();
    }

    private ServingNode node() {
        return parts.node();
    }

    /** Waits until all acknowledged feedback has an end or {@code timeout} has passed; returns where it ended. */
    public FeedbackFates drain(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        try (FeedbackAuditor auditor = parts.auditor()) {
            FeedbackFates fates = auditor.audit().fates();
            for (int settled = 0; settled < DRAINED_AUDITS && System.nanoTime() < deadline;) {
                LockSupport.parkNanos(DRAIN_PAUSE_NANOS);
                FeedbackFates next = auditor.audit().fates();
                settled = next.pending() == 0 && next.balanced() && next.equals(fates) ? settled + 1
                        : 0;
                fates = next;
            }
            if (fates.pending() != 0) {
                LOG.warn("not drained within {}: {}", timeout, parts.whereIsPending());
            }
            return fates;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while feedback was counted", e);
        }
    }

    /** Waits until the process has to end by itself; returns why, for the operator. */
    public String awaitEnd() throws InterruptedException {
        CompletableFuture<String> end = parts.end();
        try {
            return end.get();
        } catch (java.util.concurrent.ExecutionException e) {
            return String.valueOf(e.getCause());
        }
    }

    /** Closes all that was given to its {@link Closing}. */
    @Override
    public void close() {
        closing.close();
    }
}
