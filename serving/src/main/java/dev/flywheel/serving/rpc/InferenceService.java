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
import dev.flywheel.serving.http.Generation;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.metrics.CallTimer;
import dev.flywheel.serving.metrics.Operation;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Rank, Generate and Score: check, lease a version, tokenize, hand to the engine, answer.
 *
 * <p>The lease comes before the first token is made of the text and passes to the job, which gives it
 * back at the end of the answer, whatever that end is.
 */
final class InferenceService extends InferenceGrpc.InferenceImplBase implements Generation {
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
    private final Answering answering;
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
        this.answering = new Answering(metrics, executor);
        metrics.gauge("flywheel.serving.streams",
                "answers that are being generated or read by their clients", streams::size);
    }

    @Override
    public void rank(RankRequest request, StreamObserver<RankReply> observer) {
        var out = (ServerCallStreamObserver<RankReply>) observer;
        CallTimer timer = metrics.call(Operation.RANK, leases::now);
        answering.guarded(out, timer, () -> {
            rules.check(request);
            long deadline = leases.deadlineNanos();
            submit(request.getScope(), deadline, timer, lease -> {
                RankCall call = new RankCall(request, texts, lease);
                VerdictJob job = call.job(deadline);
                answering.once(out, timer, job::cancel, job.result(),
                        scores -> call.reply(scores, policy, impressions));
                return job;
            });
        });
    }

    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreReply> observer) {
        var out = (ServerCallStreamObserver<ScoreReply>) observer;
        CallTimer timer = metrics.call(Operation.SCORE, leases::now);
        answering.guarded(out, timer, () -> {
            rules.check(request);
            long deadline = leases.deadlineNanos();
            submit(request.getScope(), deadline, timer, lease -> {
                ScoreCall call = new ScoreCall(request, texts, lease);
                ContinuationJob job = call.job(deadline);
                answering.once(out, timer, job::cancel, job.result(),
                        sums -> call.reply(sums, impressions));
                return job;
            });
        });
    }

    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateReply> observer) {
        generate(request, () -> texts.encoded(request.getPrompt(), request.getControlTokens()),
                (ServerCallStreamObserver<GenerateReply>) observer);
    }

    @Override
    public void generate(GenerateRequest request, Supplier<int[]> ids,
            ServerCallStreamObserver<GenerateReply> out) {
        CallTimer timer = metrics.call(Operation.GENERATE, leases::now);
        answering.guarded(out, timer, () -> {
            rules.check(request);
            long deadline = leases.deadlineNanos();
            submit(request.getScope(), deadline, timer,
                    lease -> stream(new GenerateCall(request, ids, texts, lease), out, timer,
                            deadline));
        });
    }

    /** Ends the calls of readers who do not read. */
    void endStalled() {
        long now = leases.now();
        streams.forEach(
                stream -> stream.endIfStalled(now, limits.stallTimeout().toNanos()));
    }

    private AnswerJob stream(GenerateCall call, ServerCallStreamObserver<GenerateReply> out,
            CallTimer timer, long deadline) {
        long now = leases.now();
        AnswerStream stream = new AnswerStream(call, out, impressions, executor, metrics, timer,
                now, streams::remove);
        AnswerJob job = call.job(stream, limits, metrics, now, deadline);
        stream.feed(job);
        out.setOnReadyThreshold(STREAM_BUFFER_BYTES);
        out.setOnReadyHandler(stream::drain);
        out.setOnCancelHandler(stream::cancelled);
        streams.add(stream);
        return job;
    }

    /** Leases, makes the job and hands it over; the lease is given back if that fails at any point. */
    private void submit(RequestScope scope, long deadline, CallTimer timer,
            Function<Lease, Job> make) {
        engine.requireRoom(RequestRules.tenantOf(scope));
        Lease lease = leases.lease(scope, deadline);
        timer.leased(lease.version());
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
}
