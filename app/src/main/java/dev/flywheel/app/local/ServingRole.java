package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.serving.impression.ImpressionSpool;
import dev.flywheel.serving.impression.SpoolDrain;
import dev.flywheel.serving.replica.NodeReplica;
import dev.flywheel.serving.rpc.ServingNode;
import dev.flywheel.trainer.adapter.AdapterCreation;
import dev.flywheel.trainer.adapter.AdapterSettings;
import io.grpc.BindableService;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Answers clients, tells Kafka what was answered, takes feedback. */
final class ServingRole {
    private static final Duration READY = Duration.ofSeconds(60);

    private ServingRole() {}

    /**
     * What a node reaches outside itself.
     *
     * @param registry the store's own service for operators and watchers, shown on the node's port
     * @param brokers bootstrap servers of Kafka
     * @param tokenKeys file with the secrets that sign feedback tokens
     * @param spool folder for impressions that Kafka does not have yet
     * @param replica folder for what the node serves, if the store can be away while it runs
     */
    record Outside(
            StoreClient store,
            BindableService registry,
            String brokers,
            Topics topics,
            Path tokenKeys,
            Path spool,
            Optional<Path> replica) {}

    /** A node, and its way to Kafka, for which nobody need wait. */
    record Started(ServingNode node, BrokerLink broker) {}

    /** Starts a node; it answers once {@link #awaitReady} returns. */
    static Started start(RoleContext context, EngineParts engine, Outside outside) {
        FlywheelConfig config = context.config();
        Closing closing = context.closing();
        PublisherSettings publishing =
                ModuleSettings.publisher(config, outside.brokers(), outside.topics(),
                        context.name());
        ImpressionSpool spool =
                closing.add("impression spool",
                        () -> ImpressionSpool.open(outside.spool(), ModuleSettings.spool(config),
                                context.clock(), context.meters()));
        BrokerLink broker =
                closing.add("broker link",
                        () -> BrokerLink.start(config, publishing, spool, context.clock()));
        var unused = closing.add("spool drain", () -> SpoolDrain.start(spool, broker::publish));
        NodeReplica replica = replica(context, outside);
        ServingNode.Parts parts =
                new ServingNode.Parts(
                        engine.base(),
                        engine.tokenizer(),
                        engine.chat(context.clock()),
                        engine.device(),
                        outside.store(),
                        spool::offer,
                        broker::publish,
                        new TokenSigner(keys(outside.tokenKeys())),
                        context.meters(),
                        context.clock(),
                        new SecureRandom());
        Supplier<KeyRing> keys = KeyFile.open(context);
        NodeRegistry registry =
                new NodeRegistry(outside.registry(), outside.store(), engine.base(),
                        ModuleSettings.adapter(config.adapter()), config.engine().rankMax());
        ServingNode node = closing.add(
                "serving node",
                () -> ServingNode.start(ModuleSettings.serving(config, context.name(), keys), parts,
                        List.of(registry), replica));
        return new Started(node, broker);
    }

    private static @Nullable NodeReplica replica(RoleContext context, Outside outside) {
        long bytesMax = context.config().serving().replicaBytesMax();
        return outside.replica().isEmpty() || bytesMax == 0 ? null
                : context.closing()
                        .add("replica", () -> NodeReplica.open(
                                outside.replica().get(), bytesMax, context.meters(),
                                context.clock()));
    }

    /** Makes an adapter of this base if there is none of that name. */
    static void createAdapter(StoreClient store, BaseModel base, String name,
            AdapterSettings settings) {
        var unused =
                AdapterCreation.create(store, base, new AdapterName(name),
                        settings.onTargetsOf(base.linearModules().keySet()));
    }

    static TokenKeys keys(Path file) {
        try {
            return TokenKeys.read(file);
        } catch (IOException e) {
            throw new StartException(
                    "token key file %s cannot be read (%s); see to its rights"
                            .formatted(file, FileProblem.words(e)),
                    e);
        }
    }

    /** Waits until the broker takes events. */
    static void awaitBroker(BrokerLink broker) {
        try {
            if (!broker.awaitReady(READY)) {
                throw new StartException(
                        "the broker did not answer within a minute; " + LogFile.hint());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while the broker started", e);
        }
    }

    /** Waits until the node has loaded its adapters and kernels are compiled. */
    static void awaitReady(ServingNode node, EngineParts engine) {
        try {
            CompletableFuture.allOf(node.ready(), engine.warm())
                    .get(READY.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while the node started", e);
        } catch (java.util.concurrent.ExecutionException
                | java.util.concurrent.TimeoutException e) {
            throw new StartException("the node did not load its adapters within a minute: " + e, e);
        }
    }
}
