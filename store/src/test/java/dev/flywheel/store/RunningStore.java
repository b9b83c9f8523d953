package dev.flywheel.store;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.PutOutcomeReply;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;

/** A real store behind a real server, with a client. */
public final class RunningStore implements AutoCloseable {
    static final InstantSource NOON = InstantSource.fixed(Instant.parse("2026-06-01T12:00:00Z"));

    private final Server server;
    final Store store;
    final ManagedChannel channel;
    public final StoreClient client;

    public RunningStore(Path folder) {
        this(folder, StoreSettings.DEFAULT);
    }

    RunningStore(Path folder, StoreSettings settings) {
        this(folder, settings, NOON);
    }

    RunningStore(Path folder, StoreSettings settings, InstantSource clock) {
        store = Store.open(folder, settings, clock);
        String name = InProcessServerBuilder.generateName();
        InProcessServerBuilder builder = InProcessServerBuilder.forName(name)
                .maxInboundMessageSize(store.inboundBytesMax());
        store.services().forEach(builder::addService);
        try {
            server = builder.build().start();
        } catch (IOException failure) {
            store.close();
            throw new AssertionError(failure);
        }
        channel = InProcessChannelBuilder.forName(name).build();
        client = StoreClient.over(channel, Duration.ofSeconds(30));
    }

    /** An adapter with its first epoch. */
    public long createAdapter(String name) {
        client.putBlob(Samples.START);
        client.createAdapter(Samples.create(name));
        return client.acquireEpoch(name, "driver-1").getEpoch();
    }

    /** One round from claim to commit; its weights are {@code weights seq}. */
    public PutOutcomeReply commitRound(String adapter, long seq, long epoch, long parent,
            String... ids) {
        client.putManifest(Samples.manifest(adapter, seq, epoch, parent, ids));
        byte[] weights = Samples.bytes("weights " + adapter + seq);
        byte[] optimizer = Samples.bytes("optimizer " + adapter + seq);
        client.putBlob(weights);
        client.putBlob(optimizer);
        return client.putOutcome(Samples.committed(adapter, seq, epoch, weights, optimizer));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
        try {
            server.awaitTermination(10, TimeUnit.SECONDS);
            channel.awaitTermination(10, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        store.close();
    }
}
