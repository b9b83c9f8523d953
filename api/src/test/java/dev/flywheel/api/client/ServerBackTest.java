package dev.flywheel.api.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.GetAdapterRequest;
import dev.flywheel.api.v1.RegistryGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server was away for longer than clients are patient, and is back; a channel's own pause never ends here. */
class ServerBackTest {
    private static final int AWAY = 20;

    private final String name = InProcessServerBuilder.generateName();
    private final EndlessPauses pauses = new EndlessPauses();
    private final ManagedChannel channel = InProcessChannelBuilder.forName(name)
            .scheduledExecutorService(pauses)
            .directExecutor()
            .build();
    private final StoreClient client = StoreClient.over(channel);
    private final Server server = InProcessServerBuilder.forName(name)
            .directExecutor()
            .addService(new RegistryGrpc.RegistryImplBase() {
                @Override
                public void getAdapter(GetAdapterRequest request,
                        StreamObserver<AdapterRecord> out) {
                    out.onNext(AdapterRecord.newBuilder().setName(request.getName()).build());
                    out.onCompleted();
                }
            })
            .build();

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
        pauses.shutdownNow();
    }

    /** Time stands still for whoever waits in it. */
    private static final class EndlessPauses extends ScheduledThreadPoolExecutor {
        EndlessPauses() {
            super(1);
        }

        @Override
        public ScheduledFuture<?> schedule(Runnable then, long delay,
                TimeUnit unit) {
            return super.schedule(then, 1, TimeUnit.DAYS);
        }
    }

    @ParameterizedTest(name = "blocking: {0}")
    @ValueSource(booleans = {true, false})
    void theSecondCallAfterItIsBackIsAnsweredHoweverOftenItWasAway(boolean blocking)
            throws IOException {
        for (int i = 0; i < AWAY; i++) {
            assertUnavailable(blocking);
        }
        server.start();
        assertUnavailable(blocking);
        assertThat(call(blocking).getName()).isEqualTo("a");
    }

    private AdapterRecord call(boolean blocking) {
        return blocking ? client.getAdapter("a") : client.getAdapterAsync("a").join();
    }

    private void assertUnavailable(boolean blocking) {
        Throwable failure = catchThrowable(() -> call(blocking));
        assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    }
}
