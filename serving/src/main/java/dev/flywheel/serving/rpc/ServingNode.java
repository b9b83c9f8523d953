package dev.flywheel.serving.rpc;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.client.StoreWatch;
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
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.http.ChatModel;
import dev.flywheel.serving.http.HttpFace;
import dev.flywheel.serving.http.OpenAiNode;
import dev.flywheel.serving.impression.ImpressionIds;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.metrics.Swaps;
import dev.flywheel.serving.rank.RankPolicy;
import dev.flywheel.serving.runner.EngineLoop;
import dev.flywheel.serving.scheduler.SchedulerLimits;
import dev.flywheel.serving.settings.DeviceSettings;
import dev.flywheel.serving.settings.HttpSettings;
import dev.flywheel.serving.settings.RankSettings;
import dev.flywheel.serving.settings.RequestSettings;
import dev.flywheel.serving.settings.ServingSettings;
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
    private final @Nullable HttpFace http;
    private final InferenceService inference;
    private final StoreClient store;
    private @Nullable StoreWatch watch;

    /**
     * What a node needs and does not own.
     *
     * @param chat the base by its name, and its chat templates
     * @param impressions takes an impression or refuses it, at once and without waiting
     * @param feedback completes with the time at which Kafka had acknowledged the event
     * @param clock wall time, for events and ids
     * @param random for impression ids; must be hard to guess and thread-safe, such as SecureRandom
     */
    public record Parts(
            BaseModel base,
            Tokenizer tokenizer,
            ChatModel chat,
            DeviceLoop device,
            StoreClient store,
            Predicate<Impression> impressions,
            Function<FeedbackEvent, CompletableFuture<Long>> feedback,
            TokenSigner signer,
            MeterRegistry meters,
            InstantSource clock,
            RandomGenerator random) {}

    private ServingNode(ServingSettings settings, Parts parts, List<BindableService> more) {
        LongSupplier nanos = System::nanoTime;
        DeviceSettings device = settings.device();
        this.settings = settings;
        // First what may refuse the settings, then what takes memory.
        Texts texts = new Texts(parts.tokenizer(), parts.base().spec(), settings.rank());
        SchedulerLimits limits = limits(device, settings.requests());
        this.metrics = new ServingMetrics(parts.meters());
        this.slots = new AdapterSlots(parts.base(), device.adapterSlots(), device.rankMax());
        this.cache = new KvCache(parts.base(), device.kvBlocks(), device.kvBlockTokens());
        this.pass = new ForwardPass(parts.base(), slots, cache, device.rowsMax());
        this.versions = new ServedVersions(parts.base(), slots, parts.device(),
                new StoreSource(parts.store()), metrics, parts.clock(), nanos);
        this.engine = new EngineLoop(pass, cache, parts.device(), limits, metrics, nanos,
                this::dead);
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
                        settings.feedbackBytesMax()),
                metrics));
        this.store = parts.store();
        this.face = new GrpcFace(settings.transport(), settings.access(),
                new GrpcFace.Services(services, more), metrics, parts.clock(), calls);
        this.http = settings.transport().http().port() == HttpSettings.OFF ? null
                : httpFace(parts);
        this.ready = versions.ready().thenRun(() -> {
            face.serving();
            log.info("serving base {} on port {}", parts.base().digest().brief(), face.port());
        });
    }

    private HttpFace httpFace(Parts parts) {
        OpenAiNode node = new OpenAiNode(versions, inference, parts.tokenizer(), parts.chat(),
                metrics, parts.clock());
        return new HttpFace(settings.transport(), settings.access(),
                settings.requests().stallTimeout(), node, metrics, parts.clock(), calls);
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
        ServingNode node = new ServingNode(settings, parts, more);
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
        if (http != null) {
            http.start();
        }
        watch = store.watch("", new StoreFollower(versions));
        long period = Math.max(1, settings.requests().stallTimeout().toMillis() / 4);
        var unused = timer.scheduleWithFixedDelay(inference::endStalled, period, period,
                TimeUnit.MILLISECONDS);
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

    /** Returns the port of the HTTP server, {@link HttpSettings#OFF} if there is none. */
    public int httpPort() {
        return http == null ? HttpSettings.OFF : http.port();
    }

    /** Returns the port of administration, on loopback. */
    public int adminPort() {
        return face.adminPort();
    }

    /** Completes when the store's versions are loaded and health says SERVING. */
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
        if (http != null) {
            http.drain();
        }
        try {
            if (!engine.drain(settings.transport().drainTimeout())) {
                log.warn("requests were cut off: they took longer than the drain timeout");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        engine.close();
        face.close();
        if (http != null) {
            http.close();
        }
        if (watch != null) {
            watch.close();
        }
        versions.close();
        timer.shutdownNow();
        pass.close();
        cache.close();
        slots.close();
    }
}
