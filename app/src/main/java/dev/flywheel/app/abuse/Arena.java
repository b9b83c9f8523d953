package dev.flywheel.app.abuse;

import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.app.bench.serving.SyntheticAdapters;
import dev.flywheel.app.bench.serving.VersionPublisher;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalNode;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.micrometer.core.instrument.Gauge;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/** What a row needs: nodes, chance, time, somebody to tell how far it is. */
final class Arena implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final long LOOK_MILLIS = 5;

    private final Path root;
    private final Path folder;
    private final Path model;
    private final long seed;
    private final Scale scale;
    private final LongSupplier nanos;
    private final Statuses statuses;
    private final Steps steps;
    private int nodes;

    /** Told how far a row is. */
    interface Steps {
        void at(long done, long total);
    }

    /** @param folder below {@code root}, for this row alone */
    Arena(Path root, Path folder, Path model, long seed, Scale scale, LongSupplier nanos,
            Statuses statuses,
            Steps steps) {
        this.root = root;
        this.folder = folder;
        this.model = model;
        this.seed = seed;
        this.scale = scale;
        this.nanos = nanos;
        this.statuses = statuses;
        this.steps = steps;
    }

    /** Starts a node with an empty store; whoever asks for it closes it. */
    LocalNode node(Map<String, Object> settings) {
        Map<String, Object> own = new HashMap<>(Map.of("server.port", 0, "server.admin_port", 0,
                "data.log_mib_max", 0, "data.free_mib_min", 16));
        own.putAll(settings);
        FlywheelConfig config = new ConfigLoader().load(own, null, Map.of());
        return LocalNode.start(config, folder.resolve("node" + nodes++), model);
    }

    /** Makes an adapter whose version 0 has weights of this seed, and waits until it answers. */
    void adapter(LocalNode node, String name, long weights) throws InterruptedException {
        new VersionPublisher(node.store(), node.base()).create(name,
                weights(node, weights));
        node.awaitServed(name, 0);
    }

    /** Returns weights that change answers visibly, each seed its own way. */
    LoraWeights weights(LocalNode node, long own) {
        return new SyntheticAdapters(node.base(), 1).weights(own);
    }

    /** A client's way to the node; what fails on it is kept for the row on what errors say. */
    Channel channel(LocalNode node) {
        return ClientInterceptors.intercept(node.channel(), statuses);
    }

    InferenceGrpc.InferenceBlockingStub inference(LocalNode node) {
        return InferenceGrpc.newBlockingStub(channel(node))
                .withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    Statuses statuses() {
        return statuses;
    }

    /** The folder in which all rows have theirs. */
    Path root() {
        return root;
    }

    Path folder() {
        return folder;
    }

    long seed() {
        return seed;
    }

    SeededRandom random(String purpose) {
        return new SeededRandom(seed).split(purpose);
    }

    int scaled(int few, int many) {
        return scale.of(few, many);
    }

    long now() {
        return nanos.getAsLong();
    }

    LongSupplier nanos() {
        return nanos;
    }

    void step(long done, long total) {
        steps.at(done, total);
    }

    /** Waits until that holds; returns whether it did within two minutes. */
    boolean until(BooleanSupplier holds) throws InterruptedException {
        long deadline = now() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            if (now() - deadline > 0) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
        return true;
    }

    static double gauge(LocalNode node, String name) {
        Gauge gauge = node.meters().find(name).gauge();
        return gauge == null ? Double.NaN : gauge.value();
    }

    /** Requests that wait or run. */
    static double jobs(LocalNode node) {
        return gauge(node, "flywheel.requests.running") + gauge(node, "flywheel.requests.waiting");
    }

    /** Whether nothing is held for any request, of so many blocks in all. */
    static boolean idle(LocalNode node, int blocks) {
        return node.freeBlocks() == blocks && node.leases() == 0 && jobs(node) == 0
                && gauge(node, "flywheel.serving.streams") == 0;
    }

    @Override
    public void close() {
        step(1, 1);
    }
}
