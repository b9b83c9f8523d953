package dev.flywheel.serving.http;

import dev.flywheel.api.access.AccessGate;
import dev.flywheel.api.access.Caller;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.settings.TransportSettings;
import io.grpc.StatusRuntimeException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: reads a request at a time, lets in who may, and hands the request on. A body is read only of those who may
 * call. Runs on the transport's thread alone, but for {@link #cut} and {@link #closeIfIdle}.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    private static final Logger log = LoggerFactory.getLogger(HttpConnection.class);
    /** Whoever may generate over gRPC may use this interface. */
    private static final String METHOD = "flywheel.v1.Inference/Generate";

    /**
     * What all connections share.
     *
     * @param closed told of each connection that is no more
     */
    record Node(
            TransportSettings settings,
            Duration stallTimeout,
            AccessGate gate,
            OpenAiNode openAi,
            ServingMetrics metrics,
            Executor executor,
            BooleanSupplier draining,
            Consumer<HttpConnection> closed) {}

    private final Channel channel;
    private final Node node;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private @Nullable HttpRequestHead head;
    private @Nullable ChannelReply reply;
    private @Nullable Future<?> timer;

    HttpConnection(Channel channel, Node node) {
        this.channel = channel;
        this.node = node;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        closeAfter(node.settings().http().idleTimeout());
        context.fireChannelActive();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stopTimer();
        if (reply != null) {
            reply.gone();
        }
        node.closed().accept(this);
        context.fireChannelInactive();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (reply != null && channel.isWritable()) {
            reply.ready();
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable broken) {
        if (!(broken instanceof IOException)) {
            log.debug("a connection broke", broken);
        }
        cut();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            if (message instanceof HttpRequest request) {
                begin(request);
            }
            if (message instanceof HttpContent content && head != null) {
                take(content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void begin(HttpRequest request) {
        if (reply != null) {
            // The answer to the request before is not over: nobody but a flood sends the next.
            cut();
            return;
        }
        closeAfter(node.settings().http().requestTimeout());
        boolean whole = request.decoderResult().isSuccess();
        reply = new ChannelReply(channel, this::over, node.stallTimeout(),
                whole && HttpUtil.isKeepAlive(request) && !node.draining().getAsBoolean(),
                request.protocolVersion().equals(HttpVersion.HTTP_1_1));
        HttpFailure failure = whole ? null : malformed(request.decoderResult().cause());
        if (failure == null && node.draining().getAsBoolean()) {
            failure = new HttpFailure(503, "draining", "this node is going away", null,
                    Duration.ofSeconds(1));
        }
        if (failure == null) {
            failure = admit(request);
        }
        if (failure != null) {
            refuse(failure);
        } else if (HttpUtil.is100ContinueExpected(request)) {
            var unused = channel.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1,
                    HttpResponseStatus.CONTINUE));
        }
    }

    private static HttpFailure malformed(Throwable why) {
        return why instanceof TooLongHttpHeaderException || why instanceof TooLongHttpLineException
                ? HttpFailure.of(431, "headers_too_large", "the request's headers are longer than"
                        + " server.metadata_bytes_max")
                : HttpFailure.of(400, "bad_request", "this is no HTTP/1.1 request");
    }

    private @Nullable HttpFailure admit(HttpRequest request) {
        HttpHeaders headers = request.headers();
        Caller caller;
        try {
            SslHandler tls = channel.pipeline().get(SslHandler.class);
            caller = node.gate()
                    .admit(METHOD, headers.get(HttpHeaderNames.AUTHORIZATION),
                            tls == null ? null : tls.engine().getSession(),
                            ofBrowser(headers) ? null : channel.remoteAddress());
        } catch (StatusRuntimeException denied) {
            return HttpFailure.of(denied, FieldNames.NONE);
        }
        String path = request.uri().split("\\?", 2)[0];
        head = new HttpRequestHead(request.method().name(), path,
                headers.get(OpenAiNode.TENANT_HEADER, ""), caller);
        boolean post = head.method().equals("POST");
        if (post && !isJson(headers)) {
            return HttpFailure.of(415, "not_json", "the body must have Content-Type:"
                    + " application/json");
        }
        return HttpUtil.getContentLength(request, 0L) > node.settings().messageBytesMax()
                ? tooLarge()
                : null;
    }

    /** A page in a browser on this machine is not the machine's own caller, whoever wrote it. */
    private static boolean ofBrowser(HttpHeaders headers) {
        return headers.contains(HttpHeaderNames.ORIGIN) || headers.contains("sec-fetch-site");
    }

    private static boolean isJson(HttpHeaders headers) {
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE, "");
        return type.split(";", 2)[0].strip().equalsIgnoreCase("application/json");
    }

    private HttpFailure tooLarge() {
        return HttpFailure.of(413, "body_too_large", "the body has more than "
                + node.settings().messageBytesMax() + " bytes (server.message_bytes_max)");
    }

    private void take(HttpContent content) {
        ByteBuf bytes = content.content();
        if (!content.decoderResult().isSuccess()) {
            refuse(HttpFailure.of(400, "bad_request", "the body is no valid HTTP"));
        } else if (body.size() + bytes.readableBytes() > node.settings().messageBytesMax()) {
            refuse(tooLarge());
        } else {
            byte[] part = new byte[bytes.readableBytes()];
            bytes.readBytes(part);
            body.writeBytes(part);
            if (content instanceof LastHttpContent) {
                dispatch();
            }
        }
    }

    private void dispatch() {
        stopTimer();
        HttpRequestHead asked = Objects.requireNonNull(head);
        ChannelReply out = Objects.requireNonNull(reply);
        byte[] bytes = body.toByteArray();
        body.reset();
        head = null;
        node.executor().execute(asked.caller().inContext().wrap(() -> {
            try {
                node.openAi().handle(asked, bytes, out, node.executor());
            } catch (RuntimeException fault) {
                log.error("a request failed by a fault of this node", fault);
                out.refuse(HttpFailure.of(500, "internal",
                        "the request failed by a fault of this node"));
            }
        }));
    }

    /** The rest of the request is not read: the connection ends with the answer. */
    private void refuse(HttpFailure failure) {
        head = null;
        body.reset();
        node.metrics().refusal("HTTP_" + failure.status());
        ChannelReply out = Objects.requireNonNull(reply);
        out.closeAfterwards();
        out.refuse(failure);
    }

    /** The answer is over, and the connection stays. */
    private void over() {
        reply = null;
        if (node.draining().getAsBoolean()) {
            cut();
        } else {
            closeAfter(node.settings().http().idleTimeout());
        }
    }

    private void closeAfter(Duration time) {
        stopTimer();
        timer = channel.eventLoop()
                .schedule(this::cut, time.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    void closeIfIdle() {
        channel.eventLoop().execute(() -> {
            if (reply == null) {
                cut();
            }
        });
    }

    /** Closes the connection at once. */
    void cut() {
        var unused = channel.close();
    }
}
