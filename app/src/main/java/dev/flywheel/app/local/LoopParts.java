package dev.flywheel.app.local;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.audit.AuditWatch;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.round.ServerTargets;
import dev.flywheel.serving.rpc.ServingNode;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Starts the parts of the loop in order and hands them to a {@link Closing}, which stops them in the opposite one. */
final class LoopParts {
    private static final String NODE_ID = "local";
    /** How often the job is looked at. */
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration READY = Duration.ofSeconds(60);

    private final FlywheelConfig config;
    private final CompletableFuture<String> end;
    private final Topics topics;
    private final EngineParts engine;
    private final StoreClient store;
    private final EmbeddedBroker broker;
    private final ServingNode node;
    private final LoopProgress progress;
    private final MetricsEndpoint metrics;

    private LoopParts(
            FlywheelConfig config, Path data, Path model, OptionNames options, Closing closing,
            Consumer<String> listener, LoadProgress reading, InstantSource clock) {
        this.config = config;
        RoleContext context = new RoleContext(config, NODE_ID, closing, clock);
        this.end = context.end();
        DataFolder folder = DataFolder.open(context, data, options.dataFolder());
        requireAddresses(config, options.serverPort());
        listener.accept("loading model " + model);
        this.engine = EngineParts.load(context, model, reading);
        listener.accept("starting store and broker");
        StoreRole stored = StoreRole.start(context, folder.folder("store"), InternalServer.ANY);
        this.store =
                closing.add("store client", () -> StoreClient.connect(stored.server().target()));
        AutoCloseable unusedAddress =
                closing.add("store address",
                        () -> StoreAddress.tell(data, stored.server().target()));
        this.broker =
                closing.add(
                        "broker",
                        () -> EmbeddedBroker.start(folder.folder("kafka"),
                                config.loop().brokerPort()));
        var unused = broker.broken().thenAccept(reason -> end.complete(orFull(folder, reason)));
        this.topics = LoopTopics.make(config, broker.bootstrapServers());
        listener.accept("starting trainer and serving node");
        InternalServer trainer = TrainerRole.start(context, engine, store, InternalServer.ANY);
        Path tokenKeys = TokenKeyFile.make(folder.folder("secrets"));
        ServingRole.Started serving =
                ServingRole.start(context, engine,
                        // The store is in this process, and never away: what it holds need not lie on the disk twice.
                        new ServingRole.Outside(store, stored.registry(),
                                broker.bootstrapServers(), topics, tokenKeys,
                                folder.folder("spool"), Optional.empty()));
        this.node = serving.node();
        ServingRole.awaitBroker(serving.broker());
        listener.accept("starting stream job");
        ServerTargets servers = new ServerTargets(stored.server().target(), trainer.target());
        EmbeddedFlink flink = job(closing, folder, servers, tokenKeys);
        this.progress =
                closing.add(
                        "progress",
                        () -> new LoopProgress(
                                flink.rest(),
                                flink.job().toHexString(),
                                broker.bootstrapServers(),
                                topics));
        this.metrics = MetricsEndpoint.open(context);
        metrics.tellPending(progress);
        metrics.show(Console.open(context, store));
        closing.add(
                "job watch",
                () -> new JobWatch(flink, progress, context.meters(), LOOK, end::complete));
        watchAudit(closing, context.meters(), clock);
        DiskWatch.open(context, folder);
        listener.accept("warming up");
        ServingRole.awaitReady(node, engine);
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
        new ListenAddress("server", "127.0.0.1", server.adminPort()).require("server.admin_port");
        if (server.httpPort() >= 0) {
            new ListenAddress("server", server.host(), server.httpPort())
                    .require("server.http_port");
        }
        new ListenAddress("metrics", metrics.host(), metrics.port()).require("metrics.port");
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

    private EmbeddedFlink job(Closing closing, DataFolder folder, ServerTargets servers,
            Path tokenKeys) {
        LoopSettings settings =
                ModuleSettings.loop(config, broker.bootstrapServers(), topics, servers, tokenKeys);
        return closing.add(
                "job",
                () -> EmbeddedFlink.start(
                        settings, folder.folder("flink"), ModuleSettings.checkpoints(config.loop()),
                        READY));
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
                node.httpPort() < 0 ? ""
                        : new ListenAddress("server", config.server().host(), node.httpPort())
                                .shown(),
                "127.0.0.1:" + node.adminPort(),
                broker.bootstrapServers(),
                topics.impression(),
                topics.feedback(),
                "http://" + scraped.shown() + "/metrics",
                "http://" + scraped.shown() + "/");
    }

    /** Returns where clients reach the node. */
    ListenAddress listens() {
        return new ListenAddress("server", config.server().host(), node.port());
    }

    ServingNode node() {
        return node;
    }

    BaseModel base() {
        return engine.base();
    }

    StoreClient store() {
        return store;
    }

    CompletableFuture<String> end() {
        return end;
    }
}
