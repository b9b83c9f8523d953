package dev.flywheel.app.local;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.serving.rpc.ServingNode;
import dev.flywheel.trainer.adapter.DeletedAdapterException;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One role of the loop in this process; the others are reached where the group {@code processes} of the settings says.
 *
 * <p>It starts without them, and waits for those it cannot do without. What has started belongs to a {@link Closing}.
 */
public final class RoleProcess {
    private static final Logger LOG = LoggerFactory.getLogger(RoleProcess.class);
    private static final long STORE_PAUSE_NANOS = 500_000_000;
    private static final long JOIN_MILLIS = 5_000;

    private final RoleContext context;
    private final FlywheelConfig.Processes processes;
    private final Path model;
    private String listens = "";
    private @Nullable StoreClient registry;

    private RoleProcess(RoleContext context, Path model) {
        this.context = context;
        this.processes = context.config().processes();
        this.model = model;
    }

    /**
     * Starts the role and returns when it answers.
     *
     * @param data folder for what the role keeps; each role needs one of its own
     * @param model base model folder; the store does not look at it
     * @param closing takes over each part as soon as it has started; the caller closes it, also after a failure
     * @throws StartException or another with a message for the operator
     */
    public static RoleProcess start(Role role, FlywheelConfig config, Path data, Path model,
            Closing closing, InstantSource clock) {
        RoleContext context =
                new RoleContext(config, config.processes().name(), closing, clock);
        RoleProcess process = new RoleProcess(context, model);
        DataFolder folder = DataFolder.open(context, data, "--data");
        switch (role) {
            case STORE -> process.store(folder);
            case TRAINER -> process.trainer();
            case SERVING -> process.serving(folder);
        }
        process.showFigures();
        DiskWatch.open(context, folder);
        return process;
    }

    /** A serving node shows the page too; it knows the store, the others do not need to. */
    private void showFigures() {
        MetricsEndpoint endpoint = MetricsEndpoint.open(context);
        StoreClient known = registry;
        if (known != null) {
            endpoint.show(Console.open(context, known));
        }
    }

    private void store(DataFolder folder) {
        listens = processes.store();
        StoreRole store = StoreRole.start(context, folder.folder("store"), address(listens));
        AutoCloseable unused =
                context.closing()
                        .add("store address",
                                () -> StoreAddress.tell(folder.root(), store.server().target()));
    }

    private void trainer() {
        listens = processes.trainer();
        StoreClient store = StoreClient.over(storeChannel());
        var unused = TrainerRole.start(context, engine(), store, address(listens));
    }

    private void serving(DataFolder folder) {
        EngineParts engine = engine();
        ManagedChannel channel = storeChannel();
        StoreClient store = StoreClient.over(channel);
        registry = store;
        Path keys = processes.tokenKeys().isEmpty()
                ? TokenKeyFile.make(folder.folder("secrets"))
                : Path.of(processes.tokenKeys());
        ServingNode node = ServingRole.start(context, engine, new ServingRole.Outside(
                store, new RemoteRegistry(channel), processes.broker(),
                new Topics(context.config().loop().env()), keys, folder.folder("spool"),
                Optional.of(folder.root().resolve("replica")))).node();
        ServingRole.awaitReady(node, engine);
        if (node.fromReplica() || !createAdapterOfSettings(store, engine)) {
            createAdapterLater(store, engine);
        }
        listens = new ListenAddress("server", context.config().server().host(), node.port())
                .shown();
    }

    /** The node answers with what it has meanwhile. */
    private void createAdapterLater(StoreClient store, EngineParts engine) {
        Thread trying = Thread.ofPlatform()
                .daemon()
                .name("first-adapter")
                .start(() -> awaitAdapter(store, engine));
        AutoCloseable unused = context.closing().add("first adapter", () -> () -> {
            trying.interrupt();
            trying.join(JOIN_MILLIS);
        });
    }

    private void awaitAdapter(StoreClient store, EngineParts engine) {
        try {
            while (!createAdapterOfSettings(store, engine)
                    && !Thread.currentThread().isInterrupted()) {
                LockSupport.parkNanos(STORE_PAUSE_NANOS);
            }
        } catch (RuntimeException refused) {
            LOG.warn("going on without adapter {} of the settings: {}",
                    context.config().adapter().name(), refused.getMessage());
        }
    }

    /** Returns false while the store is away. */
    private boolean createAdapterOfSettings(StoreClient store, EngineParts engine) {
        FlywheelConfig.Adapter adapter = context.config().adapter();
        try {
            ServingRole.createAdapter(store, engine.base(), adapter.name(),
                    ModuleSettings.adapter(adapter));
            return true;
        } catch (StatusRuntimeException away) {
            Status.Code code = away.getStatus().getCode();
            if (code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED) {
                return false;
            }
            throw away;
        } catch (DeletedAdapterException deleted) {
            LOG.warn("going on without adapter {}, which was deleted; for a new one set"
                    + " adapter.name to another name", adapter.name());
            return true;
        }
    }

    private EngineParts engine() {
        return EngineParts.load(context, model, LoadProgress.NONE);
    }

    private ManagedChannel storeChannel() {
        ManagedChannel channel =
                Grpc.newChannelBuilder(processes.store(), InsecureChannelCredentials.create())
                        .build();
        var unused = context.closing().add("store channel", () -> () -> stop(channel));
        return channel;
    }

    private static void stop(ManagedChannel channel) throws InterruptedException {
        channel.shutdownNow();
        var unused = channel.awaitTermination(1, TimeUnit.SECONDS);
    }

    /** Checked when the settings were read. */
    private static InetSocketAddress address(String target) {
        int colon = target.lastIndexOf(':');
        return new InetSocketAddress(target.substring(0, colon),
                Integer.parseInt(target.substring(colon + 1)));
    }

    /** Returns host and port that the role listens on. */
    public String listens() {
        return listens;
    }

    /** Waits until the process has to end by itself; returns why, for the operator. */
    public String awaitEnd() throws InterruptedException {
        try {
            return context.end().get();
        } catch (ExecutionException e) {
            return String.valueOf(e.getCause());
        }
    }
}
