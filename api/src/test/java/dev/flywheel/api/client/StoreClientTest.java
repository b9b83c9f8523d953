package dev.flywheel.api.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.BlobChunk;
import dev.flywheel.api.v1.GetAdapterRequest;
import dev.flywheel.api.v1.GetBlobRequest;
import dev.flywheel.api.v1.PutBlobReply;
import dev.flywheel.api.v1.PutBlobRequest;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.StoreCommitGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the client adds to the wire: pieces, digests, deadlines. Tests with a real store live beside the store. */
class StoreClientTest {
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private final List<Integer> pieces = new CopyOnWriteArrayList<>();
    private Server server;
    private ManagedChannel channel;

    @BeforeEach
    void start() throws IOException {
        String name = InProcessServerBuilder.generateName();
        server = InProcessServerBuilder.forName(name)
                .addService(new WrongRegistry())
                .addService(new CountingCommit())
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).build();
    }

    @AfterEach
    void stop() throws InterruptedException {
        channel.shutdownNow();
        server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }

    /** Answers every blob with the same bytes, and no other call at all. */
    private final class WrongRegistry extends RegistryGrpc.RegistryImplBase {
        @Override
        public void getBlob(GetBlobRequest request, StreamObserver<BlobChunk> out) {
            out.onNext(BlobChunk.newBuilder().setData(ByteString.copyFromUtf8("wro")).build());
            out.onNext(BlobChunk.newBuilder().setData(ByteString.copyFromUtf8("ng")).build());
            out.onCompleted();
        }

        @Override
        public void getAdapter(GetAdapterRequest request, StreamObserver<AdapterRecord> out) {
            ((ServerCallStreamObserver<AdapterRecord>) out)
                    .setOnCancelHandler(cancelled::countDown);
            asked.countDown();
        }
    }

    /** Notes the size of each piece. */
    private final class CountingCommit extends StoreCommitGrpc.StoreCommitImplBase {
        @Override
        public StreamObserver<PutBlobRequest> putBlob(StreamObserver<PutBlobReply> out) {
            return new StreamObserver<>() {
                @Override
                public void onNext(PutBlobRequest piece) {
                    pieces.add(piece.getData().size());
                }

                @Override
                public void onError(Throwable failure) {}

                @Override
                public void onCompleted() {
                    out.onNext(PutBlobReply.newBuilder().setDigest("0".repeat(64)).build());
                    out.onCompleted();
                }
            };
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void bytesThatAreNotTheOnesAskedForAreDataLoss() {
        StoreClient client = StoreClient.over(channel);
        assertThat(client.getBlob(Sha256.hex(bytes("wrong")))).isEqualTo(bytes("wrong"));
        StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class,
                () -> client.getBlob(Sha256.hex(bytes("right"))));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.DATA_LOSS);
    }

    @Test
    void aBlobGoesInPiecesAndAnotherDigestThanOursIsDataLoss() {
        StoreClient client = StoreClient.over(channel);
        StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class,
                () -> client.putBlob(new byte[2 * StoreClient.CHUNK_BYTES + 5]));
        assertThat(pieces).containsExactly(StoreClient.CHUNK_BYTES, StoreClient.CHUNK_BYTES, 5);
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.DATA_LOSS);
    }

    @Test
    void aCallThatIsNotAnsweredEndsAtItsDeadline() {
        StoreClient client = StoreClient.over(channel, Duration.ofMillis(50));
        StatusRuntimeException late = catchThrowableOfType(StatusRuntimeException.class,
                () -> client.getAdapter("a"));
        assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    }

    @Test
    void cancellingTheFutureCancelsTheCall() throws InterruptedException {
        StoreClient client = StoreClient.over(channel, Duration.ofMinutes(1));
        CompletableFuture<AdapterRecord> adapter = client.getAdapterAsync("a");
        assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
        adapter.cancel(true);
        assertThat(cancelled.await(30, TimeUnit.SECONDS)).isTrue();
    }
}
