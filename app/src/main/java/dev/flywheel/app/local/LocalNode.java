package dev.flywheel.app.local;

import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.serving.impression.ImpressionSpool;
import dev.flywheel.serving.rpc.ServingNode;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A serving node and its store in one process, as they are when Kafka and the stream job are away: impressions wait in the spool, feedback
 * is refused. To measure serving by itself.
 */
public final class LocalNode implements AutoCloseable {
    private static final String NAME = "local";
    private static final Duration SERVED = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 5;

    private final Closing closing = new Closing();
    private final RoleContext context;
    private final EngineParts engine;
    private final StoreClient store;
    private final ServingNode node;
    private final ManagedChannel channel;

    private LocalNode(FlywheelConfig config, Path data, Path model) {
        this.context = new RoleContext(config, NAME, closing, InstantSource.system());
        try {
            DataFolder folder = DataFolder.open(context, data, OptionNames.KEPT.dataFolder());
            this.engine = EngineParts.load(context, model, LoadProgress.NONE);
            StoreRole stored =
                    StoreRole.start(context, folder.folder("store"), InternalServer.ANY);
            this.store = closing.add("store client",
                    () -> StoreClient.connect(stored.server().target()));
            ImpressionSpool spool = closing.add("impression spool",
                    () -> ImpressionSpool.open(folder.folder("spool"),
                            ModuleSettings.spool(config), context.clock(), context.meters()));
            Path keys = TokenKeyFile.make(folder.folder("secrets"));
            this.node = closing.add("serving node", () -> start(spool, keys));
            this.channel = Grpc.newChannelBuilder("127.0.0.1:" + node.port(),
                    InsecureChannelCredentials.create()).build();
            AutoCloseable unused = closing.add("client channel", () -> channel::shutdownNow);
            ServingRole.awaitReady(node, engine);
        } catch (RuntimeException e) {
            closing.close();
            throw e;
        }
    }

    /**
     * Starts both and returns when the node answers.
     *
     * @param data folder for all state
     * @param model base model folder
     * @throws StartException or another with a message for the operator
     */
    public static LocalNode start(FlywheelConfig config, Path data, Path model) {
        return new LocalNode(config, data, model);
    }

    private ServingNode start(ImpressionSpool spool, Path keys) {
        Supplier<KeyRing> nobody = KeyFile.open(context);
        ServingNode.Parts parts =
                new ServingNode.Parts(engine.base(), engine.tokenizer(),
                        engine.chat(context.clock()),
                        engine.device(), store, spool::offer, LocalNode::refuse,
                        new TokenSigner(ServingRole.keys(keys)), context.meters(), context.clock(),
                        new SecureRandom());
        return ServingNode.start(ModuleSettings.serving(context.config(), NAME, nobody), parts,
                List.of());
    }

    private static CompletableFuture<Long> refuse(FeedbackEvent event) {
        return CompletableFuture.failedFuture(new IOException("there is no Kafka here"));
    }

    /** A channel to the node's port, as an outside client has it. */
    public ManagedChannel channel() {
        return channel;
    }

    /** The store, as trainers and operators have it. */
    public StoreClient store() {
        return store;
    }

    /** The port that the channel goes to, on loopback. */
    public int port() {
        return node.port();
    }

    /** Cache blocks that no request holds; all of them when nothing runs. */
    public int freeBlocks() {
        return node.freeBlocks();
    }

    /** Leases that requests hold on adapter versions. */
    public int leases() {
        return node.leases();
    }

    /** Versions flipped into place since the start. */
    public long swaps() {
        return node.swaps().count();
    }

    /** 99th percentile of the time of one flip, milliseconds. */
    public double flipMillisP99() {
        return node.swaps().flipMillisP99();
    }

    /** Tokens of prompts that were in the cache already, since the start. */
    public long prefixTokensCached() {
        return node.prefixTokensCached();
    }

    /** Waits until requests for an adapter get this version of it. */
    public void awaitServed(String adapter, long version) throws InterruptedException {
        long deadline = System.nanoTime() + SERVED.toNanos();
        while (servedVersion(adapter) != version) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "the node did not take up version %d of %s within %d s"
                                .formatted(version, adapter, SERVED.toSeconds()));
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
    }

    /** Returns -1 if there is none. */
    private long servedVersion(String adapter) {
        try {
            return InferenceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(SERVED.toSeconds(), TimeUnit.SECONDS)
                    .score(ScoreRequest.newBuilder()
                            .setScope(RequestScope.newBuilder().setAdapter(adapter))
                            .setPrompt("a")
                            .addContinuations("b")
                            .build())
                    .getVersion()
                    .getNumber();
        } catch (StatusRuntimeException notYet) {
            return -1;
        }
    }

    public BaseModel base() {
        return engine.base();
    }

    public Tokenizer tokenizer() {
        return engine.tokenizer();
    }

    public MeterRegistry meters() {
        return context.meters();
    }

    @Override
    public void close() {
        closing.close();
    }
}
