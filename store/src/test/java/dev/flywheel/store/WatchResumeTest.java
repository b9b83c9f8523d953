package dev.flywheel.store;

import static dev.flywheel.store.Samples.ADAPTER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.client.StoreWatch;
import dev.flywheel.api.client.WatchListener;
import dev.flywheel.api.v1.WatchReply;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A watch outlives its store. */
class WatchResumeTest {
    private static final String NAME = InProcessServerBuilder.generateName();

    @TempDir Path folder;
    @TempDir Path empty;

    private final BlockingQueue<Object> seen = new LinkedBlockingQueue<>();
    private final WatchListener listener = new WatchListener() {
        @Override
        public void onEvent(WatchReply reply) {
            seen.add(reply);
        }

        @Override
        public void onInterrupted(StatusRuntimeException why) {
            seen.add(why);
        }
    };

    private record Running(Store store, Server server) implements AutoCloseable {
        static Running open(Path folder) throws IOException {
            Store store = Store.open(folder, StoreSettings.DEFAULT, RunningStore.NOON);
            InProcessServerBuilder builder = InProcessServerBuilder.forName(NAME);
            store.services().forEach(builder::addService);
            return new Running(store, builder.build().start());
        }

        @Override
        public void close() throws Exception {
            server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
            store.close();
        }
    }

    private WatchReply nextSynced() throws InterruptedException {
        while (true) {
            Object next = seen.poll(30, TimeUnit.SECONDS);
            assertThat(next).as("the next event").isNotNull();
            if (next instanceof WatchReply reply && reply.hasSynced()) {
                return reply;
            }
        }
    }

    @Test
    void aWatchGoesOnWhenTheStoreIsBackAndNeverBackwards() throws Exception {
        ManagedChannel channel = InProcessChannelBuilder.forName(NAME).build();
        StoreClient client = StoreClient.over(channel);
        try (StoreWatch watch = client.watch(ADAPTER, listener)) {
            Object refused = seen.poll(30, TimeUnit.SECONDS);
            assertThat(refused).isInstanceOf(StatusRuntimeException.class);
            long first;
            try (Running running = Running.open(folder)) {
                nextSynced();
                client.putBlob(Samples.START);
                client.createAdapter(Samples.create(ADAPTER));
                client.acquireEpoch(ADAPTER, "driver");
                first = 1;
                while (!(seen.take() instanceof WatchReply reply && reply.hasAlias())) {
                    // The watch has seen commit 1 once the alias came.
                }
            }
            try (Running lost = Running.open(empty)) {
                // A store without what was seen before: the watch must not go back to it.
                while (true) {
                    Object next = seen.poll(30, TimeUnit.SECONDS);
                    assertThat(next).isNotNull();
                    assertThat(next instanceof WatchReply reply ? reply.getCommit() : first)
                            .isGreaterThanOrEqualTo(first);
                    if (next instanceof StatusRuntimeException why
                            && String.valueOf(why.getMessage())
                                    .contains("the store is at commit")) {
                        break;
                    }
                }
            }
            try (Running again = Running.open(folder)) {
                assertThat(nextSynced().getCommit()).isEqualTo(2);
            }
        } finally {
            channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
        }
    }
}
