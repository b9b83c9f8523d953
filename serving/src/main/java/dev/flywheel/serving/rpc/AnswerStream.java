package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.metrics.CallTimer;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.runner.Answer;
import dev.flywheel.serving.runner.AnswerJob;
import dev.flywheel.serving.runner.AnswerSink;
import dev.flywheel.serving.runner.DrawnToken;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Between the engine, which never waits, and a reader, who may.
 *
 * <p>What the transport is not ready for stays in a backlog, so a reader who stalls costs the rest of the
 * answer's own text and no more; neither a cache block nor a lease waits for it. The backlog leaves in
 * pieces of bounded size, each only if the transport is ready for it: how much the transport holds of an
 * answer does not depend on when the executor gets to write. Thread-safe: replies go out one at a time,
 * on the executor or on the transport's callback.
 */
final class AnswerStream implements AnswerSink {
    private static final Logger LOG = LoggerFactory.getLogger(AnswerStream.class);

    private final GenerateCall call;
    private final ServerCallStreamObserver<GenerateReply> out;
    private final ImpressionLog log;
    private final Executor executor;
    private final ServingMetrics metrics;
    private final CallTimer timer;
    private final Consumer<AnswerStream> closed;

    // All guarded by this.
    private final Backlog backlog = new Backlog();
    private @Nullable Answer answer;
    private @Nullable ServingException failure;
    private @Nullable AnswerJob job;
    private boolean scheduled;
    private boolean over;
    private long readAt;

    /**
     * @param timer hears how the call ended
     * @param closed runs once, when nothing more will be written
     */
    AnswerStream(GenerateCall call, ServerCallStreamObserver<GenerateReply> out,
            ImpressionLog log, Executor executor, ServingMetrics metrics, CallTimer timer,
            long now, Consumer<AnswerStream> closed) {
        this.call = call;
        this.out = out;
        this.log = log;
        this.executor = executor;
        this.readAt = now;
        this.metrics = metrics;
        this.timer = timer;
        this.closed = closed;
    }

    /** Ties the stream to the job that feeds it. */
    synchronized void feed(AnswerJob feeding) {
        job = feeding;
    }

    @Override
    public synchronized void token(DrawnToken token, String piece) {
        backlog.add(token, piece);
        schedule();
    }

    @Override
    public synchronized void end(Answer whole) {
        answer = whole;
        schedule();
    }

    @Override
    public synchronized void fail(ServingException why) {
        failure = why;
        schedule();
    }

    /** The reader went away. */
    void cancelled() {
        AnswerJob feeding;
        synchronized (this) {
            feeding = job;
            timer.failed(ErrorCode.CANCELLED.name());
            close();
        }
        if (feeding != null) {
            feeding.cancel();
        }
    }

    /** Ends the call of a reader who has had something to read for so long. */
    void endIfStalled(long now, long stallNanos) {
        AnswerJob feeding;
        synchronized (this) {
            if (over || out.isReady() || !pending()) {
                readAt = now;
                return;
            }
            if (now - readAt < stallNanos) {
                return;
            }
            feeding = job;
            refuse(ServingException.of(ErrorCode.DEADLINE,
                    "the stream was not read for too long"));
        }
        if (feeding != null) {
            feeding.cancel();
        }
    }

    /** Writes what there is, as far as the transport takes it; a fault ends the call, and stays on this node. */
    void drain() {
        AnswerJob feeding = null;
        synchronized (this) {
            try {
                write();
            } catch (RuntimeException fault) {
                LOG.error("an answer failed by a fault of this node", fault);
                feeding = job;
                refuse(ServingException.of(ErrorCode.INTERNAL,
                        "the request failed by a fault of this node"));
            }
        }
        if (feeding != null) {
            feeding.cancel();
        }
    }

    private void write() {
        scheduled = false;
        if (over) {
            return;
        }
        if (failure != null) {
            refuse(failure);
            return;
        }
        while (!over && pending() && out.isReady()) {
            if (answer != null && backlog.fitsOnePiece()) {
                finish(answer);
            } else {
                Backlog.Piece piece = backlog.take();
                send(call.piece(piece.text()), piece);
            }
        }
    }

    private void finish(Answer whole) {
        Backlog.Piece piece = backlog.take();
        send(call.last(piece.text() + whole.rest(), whole, log), piece);
        out.onCompleted();
        timer.answered();
        close();
    }

    private void send(GenerateReply.Builder reply, Backlog.Piece piece) {
        out.onNext(call.with(reply, piece.tokens()).build());
    }

    private void refuse(ServingException why) {
        metrics.refusal(why.code().name());
        timer.failed(why.code().name());
        out.onError(ErrorTable.toStatus(why));
        close();
    }

    private boolean pending() {
        return !backlog.isEmpty() || answer != null;
    }

    private void schedule() {
        if (!scheduled && !over) {
            scheduled = true;
            executor.execute(this::drain);
        }
    }

    private void close() {
        if (!over) {
            over = true;
            backlog.clear();
            closed.accept(this);
        }
    }
}
