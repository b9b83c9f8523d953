package dev.flywheel.api.client;

import dev.flywheel.api.v1.BlobChunk;
import dev.flywheel.api.v1.GetBlobRequest;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;

/** Collects one blob and checks that its bytes are the ones that were asked for. */
final class BlobDownload implements ClientResponseObserver<GetBlobRequest, BlobChunk> {
    private final String digest;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final CallFuture<byte[]> blob = new CallFuture<>();

    BlobDownload(String digest) {
        this.digest = digest;
    }

    CompletableFuture<byte[]> blob() {
        return blob;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<GetBlobRequest> started) {
        blob.onCancel(() -> started.cancel("the caller cancelled", null));
    }

    @Override
    public void onNext(BlobChunk chunk) {
        received.writeBytes(chunk.getData().toByteArray());
    }

    @Override
    public void onError(Throwable failure) {
        blob.completeExceptionally(Calls.asStatus(failure));
    }

    @Override
    public void onCompleted() {
        byte[] bytes = received.toByteArray();
        String actual = Sha256.hex(bytes);
        if (actual.equals(digest)) {
            blob.complete(bytes);
        } else {
            blob.completeExceptionally(
                    Status.DATA_LOSS.withDescription("blob " + digest + " arrived as " + actual)
                            .asRuntimeException());
        }
    }
}
