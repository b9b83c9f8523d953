package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Takes the replies of a Generate call and writes them as HTTP: gathered, or each as an event.
 *
 * <p>Replies come one at a time. What the transport tells goes to the call on the executor, never on the transport's thread, and a
 * client who leaves is told of once the call has begun.
 */
final class HttpAnswer extends ServerCallStreamObserver<GenerateReply> {
    private final Ask ask;
    private final boolean chat;
    private final FieldNames names;
    private final AnswerShape shape;
    private final HttpReply out;
    private final Executor executor;
    private final Consumer<Status.Code> ended;
    private final AtomicBoolean over = new AtomicBoolean();
    private final StringBuilder text = new StringBuilder();
    private final GenerateReply.Builder tokens = GenerateReply.newBuilder();
    private GenerateReply last = GenerateReply.getDefaultInstance();
    private boolean begun;
    private volatile Runnable ready = () -> {};
    private volatile Runnable cancel = () -> {};

    /** @param ended told once how the call ended */
    HttpAnswer(Ask ask, boolean chat, FieldNames names, AnswerShape shape, HttpReply out,
            Executor executor, Consumer<Status.Code> ended) {
        this.ask = ask;
        this.chat = chat;
        this.names = names;
        this.shape = shape;
        this.out = out;
        this.executor = executor;
        this.ended = ended;
    }

    /** The call has set its handlers, if it came so far. */
    void listen() {
        out.onReady(() -> executor.execute(() -> ready.run()));
        out.onGone(() -> executor.execute(this::gone));
    }

    private void gone() {
        cancel.run();
        over(Status.Code.CANCELLED);
    }

    @Override
    public void onNext(GenerateReply reply) {
        last = reply;
        if (!ask.stream()) {
            text.append(reply.getText());
            tokens.addAllLogProbs(reply.getLogProbsList());
            return;
        }
        if (!begun) {
            begun = true;
            out.begin(headers(reply));
            if (chat) {
                send(shape.opening());
            }
        }
        send(shape.piece(reply));
    }

    private void send(ObjectNode json) {
        out.event(json.toString());
    }

    @Override
    public void onError(Throwable broken) {
        StatusRuntimeException failed = broken instanceof StatusRuntimeException status ? status
                : Status.INTERNAL.withDescription("the request failed by a fault of this node")
                        .asRuntimeException();
        over(failed.getStatus().getCode());
        out.refuse(HttpFailure.of(failed, names));
    }

    @Override
    public void onCompleted() {
        over(Status.Code.OK);
        if (!ask.stream()) {
            out.answer(200, shape.whole(text.toString(), tokens.build(), last), headers(last));
            return;
        }
        if (ask.usage()) {
            send(shape.used(last));
        }
        out.event("[DONE]");
        out.end();
    }

    private void over(Status.Code code) {
        if (over.compareAndSet(false, true)) {
            ended.accept(code);
        }
    }

    /** A stream's headers leave before its impression is made. */
    private static Map<String, String> headers(GenerateReply reply) {
        VersionRef version = reply.getVersion();
        Map<String, String> headers = new LinkedHashMap<>();
        if (!version.getAdapter().isEmpty()) {
            headers.put("flywheel-version", version.getAdapter() + "@" + version.getNumber());
            headers.put("flywheel-digest", version.getDigest());
        }
        headers.put("flywheel-base-digest", version.getBaseDigest());
        if (!reply.getImpressionId().isEmpty()) {
            headers.put("flywheel-impression-id", reply.getImpressionId());
            headers.put("flywheel-feedback-token", reply.getFeedbackToken());
        }
        headers.values().removeIf(String::isEmpty);
        return headers;
    }

    @Override
    public boolean isReady() {
        return !ask.stream() || out.isReady();
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
        ready = handler;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
        cancel = handler;
    }

    @Override
    public boolean isCancelled() {
        return out.isGone();
    }

    @Override
    public void setOnReadyThreshold(int bytes) {
        // The connection's own marks hold.
    }

    @Override
    public void setCompression(String compression) {
        throw new UnsupportedOperationException("answers are not compressed");
    }

    @Override
    public void disableAutoInboundFlowControl() {
        // There is one request, and it has come.
    }

    @Override
    public void request(int count) {
        // There is one request, and it has come.
    }

    @Override
    public void setMessageCompression(boolean enable) {
        // Answers are not compressed.
    }
}
