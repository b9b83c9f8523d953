package dev.flywheel.serving.rpc;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.client.StoreWatch;
import dev.flywheel.api.client.WatchListener;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.adapter.ServedVersions;
import dev.flywheel.serving.adapter.VersionSource;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.impression.ImpressionIds;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.metrics.Swaps;
import dev.flywheel.serving.rank.RankPolicy;
import dev.flywheel.serving.replica.NodeReplica;
import dev.flywheel.serving.runner.EngineLoop;
import dev.flywheel.serving.runner.LoopLimits;
import dev.flywheel.serving.runner.PrefixWarmer;
import dev.flywheel.serving.scheduler.SchedulerLimits;
import dev.flywheel.serving.settings.DeviceSettings;
import dev.flywheel.serving.settings.RankSettings;
import dev.flywheel.serving.settings.RequestSettings;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.SwapSettings;
import io.grpc.BindableService;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node that answers: one engine loop on one device, the versions that the store publishes, a gRPC server.
 *
 * <p>Owns what it makes: cache, slots, pass, threads, server. The base model, tokenizer, device loop, store
 * client and publishers belong to the caller, who closes them after the node.
 */
public final class ServingNode implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ServingNode.class);

    /** So many times the tokens that a version reads before its requests are remembered, for all adapters. */
    private static final int SHARED_TIMES = 64;

    private final ServingSettings settings;
    private final ServingMetrics metrics;
    private final AdapterSlots slots;
    private final KvCache cache;
    private final ForwardPass pass;
    private final ServedVersions versions;
    private final EngineLoop engine;
    /** Never shut down: the transport tells of calls' ends even after the server has stopped. */
    private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("stream-timer").factory());
    private final CompletableFuture<Void> ready;
    private final GrpcFace face;
    private final InferenceService inference;
    private final StoreClient store;
    private final @Nullable NodeReplica replica;
    private final NodeMeters meters;
    private @Nullable StoreWatch watch;

    /**
     * What a node needs and does not own.
     *
     * @param impressions takes an impression or refuses it, at once and without waiting
     * @param feedback completes with the time at which Kafka had acknowledged the event
     * @param clock wall time, for events and ids
     * @param random for impression ids; must be hard to guess and thread-safe, such as SecureRandom
     */
    public record Parts(
            BaseModel base,
            Tokenizer tokenizer,
            DeviceLoop device,
            StoreClient store,
            Predicate<Impression> impressions,
            Function<FeedbackEvent, CompletableFuture<Long>> feedback,
            TokenSigner signer,
            MeterRegistry meters,
            InstantSource clock,
            RandomGenerator random) {}

    private ServingNode(ServingSettings settings, Parts parts, List<BindableService> more,
            @Nullable NodeReplica replica) {
        LongSupplier nanos = System::nanoTime;
        DeviceSettings device = settings.device();
        this.settings = settings;
        // First what may refuse the settings, then what takes memory.
        Texts texts = new Texts(parts.tokenizer(), parts.base().spec(), settings.rank());
        SchedulerLimits limits = limits(device, settings.requests());
        this.metrics = new ServingMetrics(parts.meters(), settings.meters().adaptersMax());
        this.slots = new AdapterSlots(parts.base(), device.adapterSlots(), device.rankMax());
        this.cache = new KvCache(parts.base(), device.kvBlocks(), device.kvBlockTokens());
        this.pass = new ForwardPass(parts.base(), slots, cache, device.rowsMax());
        VersionSource stored = new StoreSource(parts.store());
        this.replica = replica;
        SwapSettings swaps = settings.swaps();
        this.engine = new EngineLoop(pass, cache, parts.device(),
                new LoopLimits(limits, settings.requests().queueTimeMax(),
                        SHARED_TIMES * swaps.warmTokensMax()),
                metrics, nanos, this::dead);
        this.versions = new ServedVersions(parts.base(), slots, parts.device(),
                replica == null ? stored : replica.over(stored),
                new PrefixWarmer(engine, swaps, nanos), swaps.hostBytesMax(), metrics,
                parts.clock(), nanos);
        ImpressionLog impressions = new ImpressionLog(settings.nodeId(),
                new ImpressionIds(parts.clock(), parts.random()), parts.impressions(),
                parts.signer(), settings.tokenLifetime(), metrics, parts.clock());
        this.inference = new InferenceService(settings.requests(),
                new Leases(versions, settings.requests(), nanos), texts, policy(settings.rank()),
                engine, impressions, metrics, calls);
        List<BindableService> services = new ArrayList<>();
        services.add(inference);
        services.add(new OpenInferenceService(versions, this::answers));
        services.add(new FeedbackService(
                new FeedbackIntake(parts.signer(), parts.feedback(), parts.clock(),
                        settings.feedbackBytesMax(), metrics::feedback),
                metrics));
        this.store = parts.store();
        this.meters = new NodeMeters(versions, engine, metrics, settings.meters(),
                device.adapterSlots(), new StoreLineage(store), parts.clock());
        this.face = new GrpcFace(settings.transport(), settings.access(),
                new GrpcFace.Services(services, more), metrics, parts.clock(), calls);
        metrics.gauge("flywheel.serving.ready", "1 while health says SERVING, else 0",
                () -> face.answers() ? 1 : 0);
        this.ready = versions.ready().thenRun(() -> {
            face.serving();
            log.info("serving base {} on port {}", parts.base().digest().brief(), face.port());
        });
    }

    /**
     * Starts a node. It listens when this returns and answers once {@link #ready} completes.
     *
     * @param more services of other modules to offer on the same port and on that of administration
     * @throws IllegalArgumentException if a setting does not fit the model
     * @throws java.io.UncheckedIOException if the port cannot be listened on
     */
    public static ServingNode start(ServingSettings settings, Parts parts,
            List<BindableService> more) {
        return start(settings, parts, more, null);
    }

    /** The same with a replica, which the caller closes after the node: it answers from it while the store is away. */
    public static ServingNode start(ServingSettings settings, Parts parts,
            List<BindableService> more, @Nullable NodeReplica replica) {
        ServingNode node = new ServingNode(settings, parts, more, replica);
        boolean begun = false;
        try {
            node.begin();
            begun = true;
            return node;
        } finally {
            if (!begun) {
                node.close();
            }
        }
    }

    private void begin() {
        engine.start();
        face.start();
        meters.start();
        watch = watch(new StoreFollower(versions));
        long period = Math.max(1, settings.requests().stallTimeout().toMillis() / 4);
        var unused = timer.scheduleWithFixedDelay(inference::endStalled, period, period,
                TimeUnit.MILLISECONDS);
    }

    private StoreWatch watch(WatchListener follower) {
        return replica == null ? store.watch("", follower)
                : store.watch("", replica.follower(follower, versions::onBegun),
                        replica.commit());
    }

    private boolean answers() {
        return face.answers();
    }

    private void dead() {
        face.dead();
    }

    private static SchedulerLimits limits(DeviceSettings device, RequestSettings requests) {
        return new SchedulerLimits(device.rowsMax(),
                Math.min(requests.runningMax(), device.rowsMax() / 2), requests.waitingMax(),
                requests.tokensWaitingMax(), requests.perTenantMax(), device.kvBlocks(),
                device.kvBlockTokens());
    }

    private static RankPolicy policy(RankSettings rank) {
        return new RankPolicy(rank.temperature(), rank.epsilon(), rank.propensityMin());
    }

    public int port() {
        return face.port();
    }

    /** Returns the port of administration, on loopback. */
    public int adminPort() {
        return face.adminPort();
    }

    /** Whether the store has not answered since the start, and the node answers from its replica. */
    public boolean fromReplica() {
        return replica != null && replica.servesFromIt();
    }

    /** Completes when the store's versions, or the replica's while it is away, are loaded and health says SERVING. */
    public CompletableFuture<Void> ready() {
        return ready;
    }

    /** Whether requests of a tenant for an adapter's serving version are answered; waits for it to be loaded. */
    public boolean serves(String tenant, String adapter, Duration patience) {
        try (Lease unused = versions.lease(tenant, adapter, "serving", patience)) {
            return true;
        } catch (ServingException no) {
            return false;
        }
    }

    /** Returns the hot swaps since the start. */
    public Swaps.Figures swaps() {
        return metrics.swaps().figures();
    }

    /** Returns the tokens of prompts that were in the cache already, since the start. */
    public long prefixTokensCached() {
        return metrics.prefixTokensCached();
    }

    /** Returns the cache blocks that no request holds; all of them when nothing runs. */
    public int freeBlocks() {
        return cache.freeBlocks();
    }

    /** Returns the leases that requests hold on adapter versions. */
    public int leases() {
        return versions.leases();
    }

    /** Sends balancers away, lets the calls inside finish, then stops. */
    @Override
    public void close() {
        face.drain();
        try {
            if (!engine.drain(settings.transport().drainTimeout())) {
                log.warn("requests were cut off: they took longer than the drain timeout");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        engine.close();
        face.close();
        if (watch != null) {
            watch.close();
        }
        versions.close();
        timer.shutdownNow();
        meters.close();
        pass.close();
        cache.close();
        slots.close();
    }
}
