package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreReply;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.rank.RankPolicy;
import dev.flywheel.serving.runner.AnswerJob;
import dev.flywheel.serving.runner.ContinuationJob;
import dev.flywheel.serving.runner.EngineLoop;
import dev.flywheel.serving.runner.Job;
import dev.flywheel.serving.runner.VerdictJob;
import dev.flywheel.serving.settings.RequestSettings;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rank, Generate and Score: check, lease a version, tokenize, hand to the engine, answer.
 *
 * <p>The lease comes before the first token is made of the text and passes to the job, which gives it
 * back at the end of the answer, whatever that end is.
 */
final class InferenceService extends InferenceGrpc.InferenceImplBase {
    private static final Logger log = LoggerFactory.getLogger(InferenceService.class);

    /** The transport takes a stream's next reply while it holds less than this of it. */
    private static final int STREAM_BUFFER_BYTES = 1024;

    private final RequestRules rules;
    private final RequestSettings limits;
    private final Leases leases;
    private final Texts texts;
    private final RankPolicy policy;
    private final EngineLoop engine;
    private final ImpressionLog impressions;
    private final ServingMetrics metrics;
    private final Executor executor;
    private final Set<AnswerStream> streams = ConcurrentHashMap.newKeySet();

    InferenceService(RequestSettings limits, Leases leases, Texts texts, RankPolicy policy,
            EngineLoop engine, ImpressionLog impressions, ServingMetrics metrics,
            Executor executor) {
        this.rules = new RequestRules(limits);
        this.limits = limits;
        this.leases = leases;
        this.texts = texts;
        this.policy = policy;
        this.engine = engine;
        this.impressions = impressions;
        this.metrics = metrics;
        this.executor = executor;
        metrics.gauge("streams", streams::size);
    }

    @Override
    public void rank(RankRequest request, StreamObserver<RankReply> observer) {
        var out = (ServerCallStreamObserver<RankReply>) observer;
        guarded(out, () -> {
            rules.check(request);
            long deadline = leases.deadlineNanos();
            submit(request.getScope(), deadline, lease -> {
                RankCall call = new RankCall(request, texts, lease);
                VerdictJob job = call.job(lease, deadline);
                answer(out, job, job.result(),
                        scores -> call.reply(scores, policy, impressions));
                return job;
            });
        });
    }

    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreReply> observer) {
        var out = (ServerCallStreamObserver<ScoreReply>) observer;
        guarded(out, () -> {
            rules.check(request);
            long deadline = leases.deadlineNanos();
            submit(request.getScope(), deadline, lease -> {
                ScoreCall call = new ScoreCall(request, texts, lease);
                ContinuationJob job = call.job(lease, deadline);
                answer(out, job, job.result(), sums -> call.reply(sums, impressions));
                return job;
            });
        });
    }

    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateReply> observer) {
        var out = (ServerCallStreamObserver<GenerateReply>) observer;
        guarded(out, () -> {
            rules.check(request);
            long deadline = leases.deadlineNanos();
            submit(request.getScope(), deadline, lease -> stream(request, out, lease, deadline));
        });
    }

    /** Ends the calls of readers who do not read. */
    void endStalled() {
        long now = leases.now();
        streams.forEach(
                stream -> stream.endIfStalled(now, limits.stallTimeout().toNanos()));
    }

    private AnswerJob stream(GenerateRequest request, ServerCallStreamObserver<GenerateReply> out,
            Lease lease, long deadline) {
        GenerateCall call = new GenerateCall(request, texts, lease);
        long now = leases.now();
        AnswerStream stream = new AnswerStream(call, out, impressions, executor, metrics, now,
                streams::remove);
        AnswerJob job = call.job(lease, stream, limits, metrics, now, deadline);
        stream.feed(job);
        out.setOnReadyThreshold(STREAM_BUFFER_BYTES);
        out.setOnReadyHandler(stream::drain);
        out.setOnCancelHandler(stream::cancelled);
        streams.add(stream);
        return job;
    }

    /** Leases, makes the job and hands it over; the lease is given back if that fails at any point. */
    private void submit(RequestScope scope, long deadline, Function<Lease, Job> make) {
        Lease lease = leases.lease(scope, deadline);
        boolean made = false;
        Job job;
        try {
            job = make.apply(lease);
            made = true;
        } finally {
            if (!made) {
                lease.close();
            }
        }
        engine.submit(job);
    }

    /** Answers a unary call once the job has its result. */
    private <R> void answer(ServerCallStreamObserver<R> out, Job job,
            CompletableFuture<double[]> result, Function<double[], R> reply) {
        out.setOnCancelHandler(job::cancel);
        var unused = result.whenCompleteAsync((scores, failure) -> guarded(out, () -> {
            if (failure != null) {
                throw failure instanceof ServingException why ? why
                        : new IllegalStateException(failure);
            }
            out.onNext(reply.apply(scores));
            out.onCompleted();
        }), executor);
    }

    /** Turns what goes wrong into the call's status; text and stack of a fault stay on this node. */
    private void guarded(ServerCallStreamObserver<?> out, Runnable action) {
        try {
            action.run();
        } catch (ServingException why) {
            metrics.refusal(why.code().name());
            out.onError(ErrorTable.toStatus(why));
        } catch (RuntimeException fault) {
            log.error("a request failed by a fault of this node", fault);
            out.onError(ErrorTable.toStatus(ServingException.of(ErrorCode.INTERNAL,
                    "the request failed by a fault of this node")));
        }
    }
}
