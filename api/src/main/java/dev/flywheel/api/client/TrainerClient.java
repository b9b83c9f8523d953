package dev.flywheel.api.client;

import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.GetCapacityRequest;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.TrainRequest;
import dev.flywheel.api.v1.TrainingGrpc;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls a trainer.
 *
 * <p>No call blocks: each returns a future that fails with {@link io.grpc.StatusRuntimeException}.
 * Cancelling the future cancels the call, and with its last caller the round. Thread-safe; owns its
 * channel, which {@link #close} shuts down.
 */
public final class TrainerClient implements AutoCloseable {
    private final ManagedChannel channel;
    private final TrainingGrpc.TrainingStub stub;

    /** Takes over {@code channel}. */
    public TrainerClient(ManagedChannel channel) {
        this.channel = channel;
        this.stub = TrainingGrpc.newStub(channel);
    }

    /** Connects without encryption, for loopback and trusted networks; {@code host:port}. */
    public static TrainerClient connect(String target) {
        return new TrainerClient(
                Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build());
    }

    /** Runs the round of a claimed manifest; joins it if it runs already. */
    public CompletableFuture<TrainReply> train(
            String adapter, long seq, long epoch, Duration deadline) {
        return train(request(adapter, seq, epoch).build(), deadline);
    }

    /** As {@link #train}, and the candidate's blobs are uploaded again even if the reply is known. */
    public CompletableFuture<TrainReply> trainAnew(
            String adapter, long seq, long epoch, Duration deadline) {
        return train(request(adapter, seq, epoch).setAnew(true).build(), deadline);
    }

    private static TrainRequest.Builder request(String adapter, long seq, long epoch) {
        return TrainRequest.newBuilder().setAdapter(adapter).setSeq(seq).setEpoch(epoch);
    }

    private CompletableFuture<TrainReply> train(TrainRequest request, Duration deadline) {
        TrainingGrpc.TrainingStub limited = within(deadline);
        return call(request, limited::train);
    }

    /** Asks what the trainer could take on now, and what it runs on. */
    public CompletableFuture<Capacity> capacity(Duration deadline) {
        TrainingGrpc.TrainingStub limited = within(deadline);
        return call(GetCapacityRequest.getDefaultInstance(), limited::getCapacity);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private TrainingGrpc.TrainingStub within(Duration deadline) {
        return stub.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
    }

    private static <Q, A> CompletableFuture<A> call(
            Q request, BiConsumer<Q, StreamObserver<A>> method) {
        Receiver<Q, A> receiver = new Receiver<>();
        method.accept(request, receiver);
        return receiver.answer;
    }

    /** A call's one answer; cancelling it cancels the call. */
    private static final class Answer<A> extends CompletableFuture<A> {
        private volatile @Nullable ClientCallStreamObserver<?> call;

        @Override
        public boolean cancel(boolean mayInterrupt) {
            boolean cancelled = super.cancel(mayInterrupt);
            ClientCallStreamObserver<?> running = call;
            if (cancelled && running != null) {
                running.cancel("the caller no longer waits", null);
            }
            return cancelled;
        }
    }

    /** Completes the answer with what the call brings. */
    private static final class Receiver<Q, A> implements ClientResponseObserver<Q, A> {
        private final Answer<A> answer = new Answer<>();
        private @Nullable A value;

        @Override
        public void beforeStart(ClientCallStreamObserver<Q> call) {
            answer.call = call;
        }

        @Override
        public void onNext(A message) {
            value = message;
        }

        @Override
        public void onError(Throwable failure) {
            answer.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {
            if (value == null) {
                answer.completeExceptionally(
                        new IllegalStateException("the trainer ended the call without an answer"));
            } else {
                answer.complete(value);
            }
        }
    }
}
