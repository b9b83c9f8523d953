package dev.flywheel.api.client;

import com.google.protobuf.UnsafeByteOperations;
import dev.flywheel.api.v1.PutBlobReply;
import dev.flywheel.api.v1.PutBlobRequest;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Sends one blob in chunks, never more than the transport asks for. Runs on gRPC's callbacks, which do not overlap. */
final class BlobUpload implements ClientResponseObserver<PutBlobRequest, PutBlobReply> {
    private final byte[] bytes;
    private final Calls.Reply<PutBlobReply> reply = new Calls.Reply<>();
    private int sent;
    private boolean ended;
    private @Nullable ClientCallStreamObserver<PutBlobRequest> stream;

    /** The caller must not change {@code bytes} until the future completes: chunks are sent without a copy. */
    BlobUpload(byte[] bytes) {
        this.bytes = bytes;
    }

    CompletableFuture<PutBlobReply> reply() {
        return reply.future;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<PutBlobRequest> started) {
        stream = started;
        started.setOnReadyHandler(this::sendWhileReady);
        reply.future.onCancel(() -> started.cancel("the caller cancelled", null));
    }

    private void sendWhileReady() {
        ClientCallStreamObserver<PutBlobRequest> running = stream;
        while (running != null && !ended && running.isReady()) {
            int length = Math.min(StoreClient.CHUNK_BYTES, bytes.length - sent);
            running.onNext(PutBlobRequest.newBuilder()
                    .setData(UnsafeByteOperations.unsafeWrap(bytes, sent, length))
                    .build());
            sent += length;
            if (sent == bytes.length) {
                ended = true;
                running.onCompleted();
            }
        }
    }

    @Override
    public void onNext(PutBlobReply next) {
        String ours = Sha256.hex(bytes);
        if (next.getDigest().equals(ours)) {
            reply.onNext(next);
        } else {
            reply.onError(Status.DATA_LOSS
                    .withDescription("blob " + ours + " was stored as " + next.getDigest())
                    .asRuntimeException());
        }
    }

    @Override
    public void onError(Throwable failure) {
        ended = true;
        reply.onError(failure);
    }

    @Override
    public void onCompleted() {
        ended = true;
        reply.onCompleted();
    }
}
