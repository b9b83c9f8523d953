package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.serving.metrics.Operation;
import dev.flywheel.serving.metrics.ServingMetrics;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On a real transport; the test decides when an answer is made. */
@Timeout(60)
class AnsweringTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final BlockingQueue<Runnable> answers = new LinkedBlockingQueue<>();
    private final ServingMetrics metrics = new ServingMetrics(meters);
    private final Answering answering = new Answering(metrics, answers::add);
    private final CompletableFuture<double[]> result = new CompletableFuture<>();
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch gone = new CountDownLatch(1);
    private final List<double[]> recorded = new CopyOnWriteArrayList<>();
    private volatile Runnable whileRecording = () -> {};
    private Server server;
    private ManagedChannel channel;

    private final class OneAnswer extends InferenceGrpc.InferenceImplBase {
        @Override
        public void rank(RankRequest request, StreamObserver<RankReply> observer) {
            answering.once((ServerCallStreamObserver<RankReply>) observer,
                    metrics.call(Operation.RANK, System::nanoTime), gone::countDown, result,
                    scores -> {
                        recorded.add(scores);
                        whileRecording.run();
                        return RankReply.newBuilder().setImpressionId("recorded").build();
                    });
            arrived.countDown();
        }
    }

    @BeforeEach
    void open() throws Exception {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new OneAnswer())
                .build()
                .start();
        channel = Grpc.newChannelBuilder("localhost:" + server.getPort(),
                InsecureChannelCredentials.create()).build();
    }

    @AfterEach
    void close() throws Exception {
        channel.shutdownNow();
        server.shutdownNow().awaitTermination();
    }

    @Test
    void anAnswerThatIsSentIsRecordedOnce() throws Exception {
        ListenableFuture<RankReply> call = call();
        result.complete(new double[] {1});
        nextAnswer().run();
        assertThat(call.get(30, TimeUnit.SECONDS).getImpressionId()).isEqualTo("recorded");
        assertThat(recorded).hasSize(1);
    }

    @Test
    void anAnswerWhoseCallerHasGoneIsNeitherRecordedNorSent() throws Exception {
        ListenableFuture<RankReply> call = call();
        result.complete(new double[] {1});
        Runnable answer = nextAnswer();
        cancel(call);
        answer.run();
        assertThat(recorded).isEmpty();
        assertThat(refusals("CANCELLED")).isEqualTo(1);
    }

    @Test
    void anAnswerWhoseCallerGoesOnceItIsRecordedStaysRecorded() throws Exception {
        ListenableFuture<RankReply> call = call();
        whileRecording = () -> cancel(call);
        result.complete(new double[] {1});
        nextAnswer().run();
        assertThat(recorded).hasSize(1);
        assertThat(refusals("CANCELLED")).isZero();
    }

    @Test
    void aFaultWhileTheAnswerIsMadeIsTheCallsStatusAndSaysNothingOfTheFault() throws Exception {
        ListenableFuture<RankReply> call = call();
        whileRecording = () -> {
            throw new IllegalStateException("what the user wrote");
        };
        result.complete(new double[] {1});
        nextAnswer().run();
        assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS)).cause()
                .isInstanceOfSatisfying(StatusRuntimeException.class, why -> assertThat(
                        why.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL))
                .message()
                .doesNotContain("what the user wrote");
    }

    private ListenableFuture<RankReply> call() throws InterruptedException {
        ListenableFuture<RankReply> call = InferenceGrpc.newFutureStub(channel)
                .rank(RankRequest.getDefaultInstance());
        assertThat(arrived.await(30, TimeUnit.SECONDS)).isTrue();
        return call;
    }

    private Runnable nextAnswer() throws InterruptedException {
        Runnable answer = answers.poll(30, TimeUnit.SECONDS);
        assertThat(answer).as("an answer to be made").isNotNull();
        return answer;
    }

    /** Cancels a call and waits until the server has heard of it. */
    private void cancel(ListenableFuture<RankReply> call) {
        call.cancel(true);
        try {
            assertThat(gone.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private double refusals(String reason) {
        return meters.getMeters()
                .stream()
                .filter(meter -> reason.equals(meter.getId().getTag("reason")))
                .mapToDouble(meter -> meter.measure().iterator().next().getValue())
                .sum();
    }
}
