package dev.flywheel.store.rpc;

import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.PutBlobReply;
import dev.flywheel.api.v1.PutBlobRequest;
import dev.flywheel.store.commit.Committer;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Takes one blob in, chunk by chunk: the next is asked for when the last one is counted.
 *
 * <p>gRPC calls it from one thread at a time, except for {@link #release}, which may run when the call ends from anywhere.
 */
final class BlobUpload implements StreamObserver<PutBlobRequest> {
    private final ServerCallStreamObserver<PutBlobReply> out;
    private final Committer committer;
    private final Budget budget;
    private final long bytesMax;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final Digest.Stream sha256 = Digest.stream();
    private final AtomicLong taken = new AtomicLong();
    private boolean failed;

    BlobUpload(ServerCallStreamObserver<PutBlobReply> out, Committer committer, Budget budget,
            long bytesMax) {
        this.out = out;
        this.committer = committer;
        this.budget = budget;
        this.bytesMax = bytesMax;
        out.disableAutoRequest();
        out.setOnCancelHandler(this::release);
        out.setOnCloseHandler(this::release);
        out.request(1);
    }

    @Override
    public void onNext(PutBlobRequest chunk) {
        if (failed) {
            return;
        }
        try {
            take(chunk.getData().size());
        } catch (RuntimeException refused) {
            fail(refused);
            return;
        }
        byte[] bytes = chunk.getData().toByteArray();
        sha256.update(bytes);
        received.writeBytes(bytes);
        out.request(1);
    }

    private void take(int bytes) {
        long total = (long) received.size() + bytes;
        if (total > bytesMax) {
            throw Errors.badField("data", "must make a blob of at most " + bytesMax
                    + " bytes, were " + total + " so far");
        }
        budget.take(bytes);
        taken.addAndGet(bytes);
    }

    @Override
    public void onCompleted() {
        if (failed) {
            return;
        }
        if (received.size() == 0) {
            fail(Errors.badField("data", "must make a blob of at least 1 byte"));
            return;
        }
        String digest = sha256.finish().hex();
        byte[] bytes = received.toByteArray();
        var unused = committer.putBlob(digest, bytes).whenComplete((stored, failure) -> {
            if (failure != null) {
                out.onError(Errors.of(failure));
            } else {
                out.onNext(PutBlobReply.newBuilder()
                        .setDigest(digest)
                        .setBytes(bytes.length)
                        .build());
                out.onCompleted();
            }
        });
    }

    private void fail(RuntimeException refused) {
        failed = true;
        received.reset();
        release();
        out.onError(Errors.of(refused));
    }

    @Override
    public void onError(Throwable cancelled) {
        release();
    }

    private void release() {
        budget.give(taken.getAndSet(0));
    }
}
