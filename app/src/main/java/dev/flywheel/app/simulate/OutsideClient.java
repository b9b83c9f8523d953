package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SamplingParams;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * An outside gRPC client: asks and sends feedback, some of it at once.
 *
 * <p>A call that fails ends the simulation: its figures would be those of another stream. Thread-safe; the caller closes it.
 */
final class OutsideClient implements AutoCloseable {
    private static final long DEADLINE_SECONDS = 60;
    private static final int AT_ONCE = 8;
    private static final int ANSWER_TOKENS = 12;

    private final InferenceGrpc.InferenceBlockingStub inference;
    private final FeedbackGrpc.FeedbackBlockingStub feedback;
    private final ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore running = new Semaphore(AT_ONCE);

    OutsideClient(Channel channel) {
        this.inference = InferenceGrpc.newBlockingStub(channel);
        this.feedback = FeedbackGrpc.newBlockingStub(channel);
    }

    /** A whole answer. */
    record Answer(String text, String impressionId, String feedbackToken) {}

    /** Makes the calls, some at once, and returns what came, in their order. */
    <T> List<T> all(List<Callable<T>> calls) throws InterruptedException {
        List<Future<T>> futures = new ArrayList<>();
        for (Callable<T> call : calls) {
            futures.add(pool.submit(() -> limited(call)));
        }
        List<T> results = new ArrayList<>();
        for (Future<T> future : futures) {
            results.add(result(future));
        }
        return results;
    }

    private <T> T limited(Callable<T> call) throws Exception {
        running.acquire();
        try {
            return call.call();
        } finally {
            running.release();
        }
    }

    private static <T> T result(Future<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a simulated client failed: " + e.getCause(), e);
        }
    }

    RankReply rank(String adapter, Audience.Reader reader, List<Audience.Item> items, int slate) {
        RankRequest.Builder request =
                RankRequest.newBuilder()
                        .setScope(scope(adapter, reader.user()))
                        .setContext(reader.context())
                        .setSlateSize(slate);
        for (Audience.Item item : items) {
            request.addCandidates(
                    Candidate.newBuilder().setId(item.id()).setText(item.text()));
        }
        return inference.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .rank(request.build());
    }

    /**
     * @param temperature 0: the best answer
     */
    Answer generate(String adapter, String user, String prompt, float temperature, long seed) {
        GenerateRequest request =
                GenerateRequest.newBuilder()
                        .setScope(scope(adapter, user))
                        .setPrompt(prompt)
                        .setMaxTokens(ANSWER_TOKENS)
                        .addStop("\n")
                        .setSampling(SamplingParams.newBuilder()
                                .setTemperature(temperature)
                                .setSeed(seed))
                        .build();
        return collect(inference.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .generate(request));
    }

    private static Answer collect(Iterator<GenerateReply> replies) {
        StringBuilder text = new StringBuilder();
        GenerateReply last = GenerateReply.getDefaultInstance();
        while (replies.hasNext()) {
            last = replies.next();
            text.append(last.getText());
        }
        if (last.getFinishReason() == FinishReason.FINISH_REASON_UNSPECIFIED) {
            throw Status.DATA_LOSS.withDescription("the answer ended without a finish reason")
                    .asRuntimeException();
        }
        return new Answer(text.toString().strip(), last.getImpressionId(), last.getFeedbackToken());
    }

    /** Returns the version that answers for an adapter; empty while the node has not taken it up. Nobody learns of the asking. */
    OptionalLong version(String adapter) {
        ScoreRequest request = ScoreRequest.newBuilder()
                .setScope(RequestScope.newBuilder()
                        .setAdapter(adapter)
                        .setConsent(Consent.CONSENT_NONE))
                .setPrompt("a")
                .addContinuations(" b")
                .build();
        try {
            return OptionalLong.of(inference.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                    .score(request)
                    .getVersion()
                    .getNumber());
        } catch (StatusRuntimeException refused) {
            if (refused.getStatus().getCode() == Status.Code.NOT_FOUND) {
                return OptionalLong.empty();
            }
            throw refused;
        }
    }

    /** Returns when Kafka has the event. */
    void send(String token, String feedbackId, String user, Signal signal) {
        var unused = feedback.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .send(SendFeedbackRequest.newBuilder()
                        .setFeedbackToken(token)
                        .setFeedbackId(feedbackId)
                        .setUser(user)
                        .setSignal(signal)
                        .build());
    }

    private static RequestScope scope(String adapter, String user) {
        return RequestScope.newBuilder()
                .setAdapter(adapter)
                .setUser(user)
                .setConsent(Consent.CONSENT_TRAIN)
                .build();
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }
}
