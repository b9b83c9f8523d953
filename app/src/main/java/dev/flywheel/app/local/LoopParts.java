package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.audit.AuditWatch;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.model.WeightFormat;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.feedback.kafka.FeedbackPublisher;
import dev.flywheel.feedback.kafka.ImpressionPublisher;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.round.ServerTargets;
import dev.flywheel.serving.rpc.ServingNode;
import dev.flywheel.store.Store;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.round.AnchorSet;
import dev.flywheel.trainer.round.Round;
import dev.flywheel.trainer.round.RoundLimits;
import dev.flywheel.trainer.server.RoundWorker;
import dev.flywheel.trainer.server.TrainerService;
import io.grpc.BindableService;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/** Starts the parts of the loop in order and hands them to a {@link Closing}, which stops them in the opposite one. */
final class LoopParts {
    private static final String NODE_ID = "local";
    /** How often the job is looked at. */
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration READY = Duration.ofSeconds(60);

    private final FlywheelConfig config;
    private final Closing closing;
    private final CompletableFuture<String> end = new CompletableFuture<>();
    private final InstantSource clock;
    private final PrometheusMeterRegistry meters =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Topics topics;
    private final BaseModel base;
    private final StoreClient store;
    private final EmbeddedBroker broker;
    private final ServingNode node;
    private final LoopProgress progress;
    private final MetricsEndpoint metrics;

    private LoopParts(
            FlywheelConfig config, Path data, Path model, OptionNames options, Closing closing,
            Consumer<String> listener, LoadProgress reading, InstantSource clock) {
        this.clock = clock;
        this.config = config;
        this.closing = closing;
        this.topics = new Topics(config.loop().env());
        DataFolder folder =
                closing.add(
                        "data folder",
                        () -> DataFolder.take(data, config.data().freeMibMin(),
                                options.dataFolder()));
        if (config.data().logMibMax() > 0) {
            LogFile.open(folder.folder("log"), config.data().logMibMax());
        }
        requireAddresses(config, options.serverPort());
        listener.accept("loading model " + model);
        Backend backend =
                closing.add(
                        "backend",
                        () -> Backends.open(config.engine().backend(), config.engine().threads()));
        // Beside the broker and Flink, which mostly wait: the first answers need compiled kernels.
        CompletableFuture<Void> warm = CompletableFuture.runAsync(backend::warmUp);
        this.base = closing.add("base model", () -> load(model, backend, config, reading));
        Tokenizer tokenizer = closing.add("tokenizer", () -> Tokenizer.load(model));
        listener.accept("starting store and broker");
        Store stored =
                closing.add(
                        "store",
                        () -> Store.open(folder.folder("store"), ModuleSettings.store(config),
                                clock));
        var unusedEnd = stored.ended().thenAccept(end::complete);
        InternalServer storeServer =
                closing.add(
                        "store server",
                        () -> InternalServer.start(stored.services(), stored.inboundBytesMax()));
        this.store = closing.add("store client", () -> StoreClient.connect(storeServer.target()));
        AutoCloseable unusedAddress =
                closing.add("store address", () -> StoreAddress.tell(data, storeServer.target()));
        this.broker =
                closing.add(
                        "broker",
                        () -> EmbeddedBroker.start(folder.folder("kafka"),
                                config.loop().brokerPort()));
        var unused = broker.broken().thenAccept(reason -> end.complete(orFull(folder, reason)));
        makeTopics();
        listener.accept("starting trainer and serving node");
        DeviceLoop device = new DeviceLoop(config.engine().lanes(), System::nanoTime);
        InternalServer trainerServer =
                closing.add("trainer server", () -> trainer(model, tokenizer, device));
        this.node = serving(tokenizer, device, keys(folder), stored.services());
        listener.accept("starting stream job");
        EmbeddedFlink flink = job(folder, storeServer, trainerServer);
        this.progress =
                closing.add(
                        "progress",
                        () -> new LoopProgress(
                                flink.rest(),
                                flink.job().toHexString(),
                                broker.bootstrapServers(),
                                topics));
        this.metrics =
                closing.add(
                        "metrics",
                        () -> MetricsEndpoint.start(
                                config.metrics().host(), config.metrics().port(), meters));
        metrics.tellPending(progress);
        closing.add(
                "job watch",
                () -> new JobWatch(flink, progress, meters, LOOK, end::complete));
        watchAudit(closing, meters, clock);
        closing.add(
                "disk watch",
                () -> new DiskWatch(
                        folder,
                        config.data().freeMibMin(),
                        config.data().checkInterval(),
                        end::complete));
        listener.accept("warming up");
        awaitReady(CompletableFuture.allOf(node.ready(), warm));
    }

    static LoopParts start(
            FlywheelConfig config, Path data, Path model, OptionNames options, Closing closing,
            Consumer<String> listener, LoadProgress reading, InstantSource clock) {
        return new LoopParts(config, data, model, options, closing, listener, reading, clock);
    }

    /** What cannot be listened on is told before anything is loaded. */
    private static void requireAddresses(FlywheelConfig config, String portOption) {
        FlywheelConfig.Server server = config.server();
        FlywheelConfig.Metrics metrics = config.metrics();
        new ListenAddress("server", server.host(), server.port()).require(portOption);
        new ListenAddress("metrics", metrics.host(), metrics.port()).require("metrics.port");
    }

    private static BaseModel load(
            Path model, Backend backend, FlywheelConfig config, LoadProgress reading) {
        WeightFormat format = WeightFormat.named(config.engine().weights());
        try {
            return BaseModel.load(model, backend, format, reading);
        } catch (ModelException e) {
            throw new StartException(
                    "model folder %s cannot be served: %s".formatted(model, e.getMessage()), e);
        }
    }

    /** Returns {@code reason}, or that the disk is full, which would explain it. */
    private String orFull(DataFolder folder, String reason) {
        try {
            folder.requireSpace(config.data().freeMibMin());
            return reason;
        } catch (StartException e) {
            return String.valueOf(e.getMessage());
        } catch (IOException e) {
            return reason;
        }
    }

    private void makeTopics() {
        Properties properties = new Properties();
        properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, broker.bootstrapServers());
        try (Admin admin = Admin.create(properties)) {
            topics.create(
                    admin, config.loop().partitions(), (short) 1, config.loop().topicRetention());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while topics were made", e);
        }
    }

    private InternalServer trainer(Path model, Tokenizer tokenizer, DeviceLoop device) {
        RoundLimits limits =
                new RoundLimits(config.engine().trainingRowsMax(), config.engine().rankMax());
        Round round =
                closing.add(
                        "round",
                        () -> new Round(base, tokenizer, anchors(model, tokenizer), device, limits,
                                System::nanoTime));
        RoundMetrics listener = new RoundMetrics(meters, end::complete);
        TrainerService trainer =
                closing.add(
                        "trainer",
                        () -> new TrainerService(
                                new RoundWorker(store, round, Gate.DEFAULT),
                                ModuleSettings.trainer(config, NODE_ID),
                                listener));
        return InternalServer.start(List.of(trainer, trainer.health()),
                config.server().messageBytesMax());
    }

    private static AnchorSet anchors(Path model, Tokenizer tokenizer) {
        try {
            return AnchorSet.load(model, tokenizer);
        } catch (IOException e) {
            throw new StartException(
                    "anchors of model folder %s cannot be read (%s); see to the rights of its files"
                            .formatted(model, FileProblem.words(e)),
                    e);
        }
    }

    private EmbeddedFlink job(
            DataFolder folder, InternalServer storeServer, InternalServer trainerServer) {
        LoopSettings settings =
                ModuleSettings.loop(
                        config,
                        broker.bootstrapServers(),
                        topics,
                        new ServerTargets(storeServer.target(), trainerServer.target()),
                        TokenKeyFile.make(folder.folder("secrets")));
        return closing.add(
                "job",
                () -> EmbeddedFlink.start(
                        settings, folder.folder("flink"), config.loop().checkpointInterval(),
                        READY));
    }

    private static TokenKeys keys(DataFolder folder) {
        Path file = TokenKeyFile.make(folder.folder("secrets"));
        try {
            return TokenKeys.read(file);
        } catch (IOException e) {
            throw new StartException(
                    "token key file %s cannot be read (%s); see to its rights"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
    }

    private ServingNode serving(
            Tokenizer tokenizer, DeviceLoop device, TokenKeys keys,
            List<BindableService> storeServices) {
        PublisherSettings publishing =
                ModuleSettings.publisher(config, broker.bootstrapServers(), topics, NODE_ID);
        ImpressionPublisher impressions =
                closing.add("impression publisher",
                        () -> new ImpressionPublisher(publishing, clock));
        FeedbackPublisher feedback =
                closing.add("feedback publisher", () -> new FeedbackPublisher(publishing, clock,
                        impressions::unwrittenSince));
        awaitPublishers(impressions, feedback);
        ServingNode.Parts parts =
                new ServingNode.Parts(
                        base,
                        tokenizer,
                        device,
                        store,
                        impressions::publish,
                        feedback::publish,
                        new TokenSigner(keys),
                        meters,
                        clock,
                        new SecureRandom());
        return closing.add(
                "serving node",
                () -> ServingNode.start(ModuleSettings.serving(config, NODE_ID), parts,
                        registry(storeServices)));
    }

    /** Operators and watchers use the registry on the public port; what commits stays inside. */
    private List<BindableService> registry(List<BindableService> services) {
        List<BindableService> shown = new ArrayList<>();
        for (BindableService service : services) {
            if (service.bindService().getServiceDescriptor().getName().endsWith(".Registry")) {
                shown.add(new NodeRegistry(service, store, base,
                        ModuleSettings.adapter(config.adapter()), config.engine().rankMax()));
            }
        }
        return shown;
    }

    private static void awaitPublishers(ImpressionPublisher impressions,
            FeedbackPublisher feedback) {
        try {
            if (!impressions.awaitReady(READY) || !feedback.awaitReady(READY)) {
                throw new StartException(
                        "the broker in this process did not answer within a minute; "
                                + LogFile.hint());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while the broker started", e);
        }
    }

    private static void awaitReady(CompletableFuture<Void> ready) {
        try {
            ready.get(READY.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while the node started", e);
        } catch (java.util.concurrent.ExecutionException
                | java.util.concurrent.TimeoutException e) {
            throw new StartException("the node did not load its adapters within a minute: " + e, e);
        }
    }

    private void watchAudit(Closing closing, MeterRegistry meters, InstantSource clock) {
        FlywheelConfig.Audit audit = config.audit();
        if (!audit.interval().isZero()) {
            closing.add("audit",
                    () -> AuditWatch.start(
                            FeedbackAuditor.ofRecent(audit.eventsMax(), broker.bootstrapServers(),
                                    topics, store, progress,
                                    ModuleSettings.reader(config.loop()), clock),
                            meters, audit.interval(), audit.alarmAfter()));
        }
    }

    FeedbackAuditor auditor() {
        return FeedbackAuditor.ofAll(broker.bootstrapServers(), topics, store, progress,
                ModuleSettings.reader(config.loop()));
    }

    /** Tells where the feedback is that is still on its way. */
    String whereIsPending() {
        try {
            return progress.measure(progress.ends())
                    .map(LoopProgress.Pending::toString)
                    .orElse("unmeasured");
        } catch (IOException e) {
            return "unmeasured: " + e.getMessage();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unmeasured: interrupted";
        }
    }

    Endpoints endpoints() {
        ListenAddress scraped =
                new ListenAddress("metrics", config.metrics().host(), metrics.port());
        return new Endpoints(
                listens().shown(),
                broker.bootstrapServers(),
                topics.impression(),
                topics.feedback(),
                "http://" + scraped.shown() + "/metrics");
    }

    /** Returns where clients reach the node. */
    ListenAddress listens() {
        return new ListenAddress("server", config.server().host(), node.port());
    }

    ServingNode node() {
        return node;
    }

    BaseModel base() {
        return base;
    }

    StoreClient store() {
        return store;
    }

    CompletableFuture<String> end() {
        return end;
    }
}
