package dev.flywheel.serving.harness;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.chat.ChatTemplates;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.TinyBase;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.serving.http.ChatModel;
import dev.flywheel.serving.replica.NodeReplica;
import dev.flywheel.serving.rpc.ServingNode;
import dev.flywheel.serving.settings.AccessSettings;
import dev.flywheel.serving.settings.DeviceSettings;
import dev.flywheel.serving.settings.RankSettings;
import dev.flywheel.serving.settings.RequestSettings;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.SwapSettings;
import dev.flywheel.serving.settings.TransportSettings;
import dev.flywheel.store.Store;
import dev.flywheel.store.StoreSettings;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A store and a serving node, each on its own loopback port; Kafka is what the test makes of it. */
public final class Node implements AutoCloseable {
    /** The tokenizer of {@link TinyBase} has one token per byte. */
    public static final RankSettings RANK =
            new RankSettings("R:{context}\n", "T:{text}?", "y", "n", 0.5, 0.1, 0.01);
    public static final DeviceSettings DEVICE = new DeviceSettings(4, 8, 256, 16, 64);
    public static final ServingSettings SETTINGS = new ServingSettings("node-1", DEVICE,
            SwapSettings.defaults(), RequestSettings.defaults(), RANK, TransportSettings.defaults(),
            AccessSettings.thisMachine(),
            Duration.ofHours(1), EventSchema.FEEDBACK_BYTES_DEFAULT);

    public final List<Impression> impressions = new CopyOnWriteArrayList<>();
    public final List<FeedbackEvent> feedback = new CopyOnWriteArrayList<>();
    public final AtomicBoolean kafkaUp = new AtomicBoolean(true);
    public final AtomicBoolean recordingBroken = new AtomicBoolean();
    /** What a broker that does not take feedback says. */
    public final AtomicReference<Throwable> kafkaFailure =
            new AtomicReference<>(new IOException("no broker"));
    public final MeterRegistry meters = new SimpleMeterRegistry();
    public final BaseModel base;
    public final Tokenizer tokenizer;
    public final StoreClient store;
    public final Publisher publisher;
    public final ServingNode serving;
    public final ManagedChannel channel;

    private final Backend backend;
    private final int storePort;
    private final Path folder;
    private final @Nullable NodeReplica replica;
    private @Nullable Store atRest;
    private @Nullable Server storeServer;

    public Node(Path folder) throws Exception {
        this(folder, UnaryOperator.identity());
    }

    public Node(Path folder, UnaryOperator<ServingSettings> change) throws Exception {
        this(folder, change, true);
    }

    /** @param withStore false leaves the store's port dead until {@link #startStore} */
    public Node(Path folder, UnaryOperator<ServingSettings> change, boolean withStore)
            throws Exception {
        this(folder, change, withStore, false);
    }

    /** @param withReplica whether it keeps what it serves in folder {@code replica} */
    public Node(Path folder, UnaryOperator<ServingSettings> change, boolean withStore,
            boolean withReplica) throws Exception {
        Path model = TinyBase.SMALL.write(Files.createDirectories(folder.resolve("base")), 5);
        this.folder = folder;
        Files.writeString(model.resolve("chat_template.jinja"),
                "{% for m in messages %}{{ m.role }}:{{ m.content }}<|end|>{% endfor %}assistant:");
        backend = Backends.open("cpu", 1);
        base = BaseModel.load(model, backend);
        tokenizer = Tokenizer.load(model);
        try (ServerSocket free = new ServerSocket(0)) {
            storePort = free.getLocalPort();
        }
        if (withStore) {
            startStore();
        }
        store = StoreClient.connect("localhost:" + storePort);
        publisher = new Publisher(store, base);
        replica = withReplica ? NodeReplica.open(folder.resolve("replica"), 1 << 24, meters,
                InstantSource.system()) : null;
        try {
            serving = ServingNode.start(change.apply(SETTINGS), parts(), List.of(), replica);
        } catch (RuntimeException e) {
            closeAllButServing();
            throw e;
        }
        channel = channel();
    }

    public void startStore() throws IOException {
        atRest = Store.open(Files.createDirectories(folder.resolve("store")),
                StoreSettings.DEFAULT, InstantSource.system());
        storeServer = serve(atRest, storePort);
    }

    /** The store is away from now on. */
    public void stopStore() throws InterruptedException {
        if (storeServer != null) {
            storeServer.shutdownNow().awaitTermination();
        }
    }

    private ServingNode.Parts parts() {
        TokenSigner signer =
                new TokenSigner(TokenKeys.parse(TokenKeys.format("test", new byte[32])));
        return new ServingNode.Parts(base, tokenizer,
                new ChatModel("base", ChatTemplates.load(folder.resolve("base"), tokenizer,
                        ZonedDateTime::now)),
                new DeviceLoop(1, System::nanoTime), store,
                this::record, this::take, signer,
                meters, InstantSource.system(), new SecureRandom());
    }

    private boolean record(Impression impression) {
        if (recordingBroken.get()) {
            throw new IllegalStateException("what the user wrote");
        }
        return kafkaUp.get() && impressions.add(impression);
    }

    private CompletableFuture<Long> take(FeedbackEvent event) {
        if (!kafkaUp.get()) {
            return CompletableFuture.failedFuture(kafkaFailure.get());
        }
        feedback.add(event);
        return CompletableFuture.completedFuture(System.currentTimeMillis());
    }

    private static Server serve(Store store, int port) throws IOException {
        ServerBuilder<?> builder =
                Grpc.newServerBuilderForPort(port, InsecureServerCredentials.create());
        store.services().forEach(builder::addService);
        return builder.maxInboundMessageSize(store.inboundBytesMax()).build().start();
    }

    /** Opens a connection of its own. */
    public ManagedChannel channel() {
        return Grpc.newChannelBuilder("localhost:" + serving.port(),
                InsecureChannelCredentials.create()).build();
    }

    /** Waits until the node says that it serves. */
    public Node ready() throws Exception {
        serving.ready().get(30, TimeUnit.SECONDS);
        return this;
    }

    public InferenceGrpc.InferenceBlockingStub inference() {
        return InferenceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    public FeedbackGrpc.FeedbackBlockingStub feedbackStub() {
        return FeedbackGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    /** Commits a version with the fingerprint that a trainer on this backend would give it. */
    public long publish(String adapter, LoraWeights weights) {
        try (ColdRun trainer = new ColdRun(base, weights)) {
            return publisher.publish(adapter, weights.toSafetensors(), trainer.fingerprint());
        }
    }

    /** Polls until something holds; fails loudly if it does not within half a minute. */
    public static void until(String what, BooleanSupplier holds) throws InterruptedException {
        Instant deadline = Instant.now().plusSeconds(30);
        while (!holds.getAsBoolean()) {
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("never came: " + what);
            }
            TimeUnit.MILLISECONDS.sleep(2);
        }
    }

    /** The same where the node may not have heard of the adapter yet: its watch of the store tells it, soon. */
    public static void untilServed(String what, BooleanSupplier holds)
            throws InterruptedException {
        until(what, () -> {
            try {
                return holds.getAsBoolean();
            } catch (StatusRuntimeException e) {
                if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
                    return false;
                }
                throw e;
            }
        });
    }

    public double count(String meter, String... tags) {
        var counter = meters.find(meter).tags(tags).counter();
        return counter == null ? 0 : counter.count();
    }

    @Override
    public void close() throws Exception {
        channel.shutdownNow();
        serving.close();
        closeAllButServing();
    }

    public void closeAllButServing() throws Exception {
        if (replica != null) {
            replica.close();
        }
        store.close();
        if (storeServer != null) {
            storeServer.shutdownNow().awaitTermination();
        }
        if (atRest != null) {
            atRest.close();
        }
        tokenizer.close();
        base.close();
        backend.close();
    }
}
