package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Writes one answer to a connection. Thread-safe; the first end of the answer is its only one. */
final class ChannelReply implements HttpReply {
    private final Channel channel;
    private final Runnable over;
    private final Duration stallTimeout;
    private final boolean chunked;

    // Guarded by this.
    private boolean keepAlive;
    private boolean streaming;
    private boolean ended;
    private boolean gone;
    private Runnable onGone = () -> {};
    private volatile Runnable onReady = () -> {};

    /**
     * @param over runs on the transport's thread once the answer has been written and the connection stays
     * @param chunked whether the client knows bodies without a length
     */
    ChannelReply(Channel channel, Runnable over, Duration stallTimeout, boolean keepAlive,
            boolean chunked) {
        this.channel = channel;
        this.over = over;
        this.stallTimeout = stallTimeout;
        this.keepAlive = keepAlive;
        this.chunked = chunked;
    }

    synchronized void closeAfterwards() {
        keepAlive = false;
    }

    @Override
    public synchronized void answer(int status, JsonNode json, Map<String, String> headers) {
        if (ended) {
            return;
        }
        ByteBuf body = Unpooled.copiedBuffer(json.toString(), StandardCharsets.UTF_8);
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(status), body);
        HttpUtil.setContentLength(response, body.readableBytes());
        fill(response.headers(), "application/json", headers);
        finish(response);
    }

    private void fill(HttpHeaders out, String type, Map<String, String> headers) {
        out.set(HttpHeaderNames.CONTENT_TYPE, type);
        out.set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE);
        out.set("x-content-type-options", "nosniff");
        if (!keepAlive) {
            out.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
        headers.forEach(out::set);
    }

    @Override
    public synchronized void refuse(HttpFailure why) {
        if (ended) {
            return;
        }
        if (streaming) {
            keepAlive = false;
            event(why.json().toString());
            boolean reading = channel.isWritable();
            end();
            if (!reading) {
                close();
            }
            return;
        }
        answer(why.status(), why.json(), headers(why));
    }

    private static Map<String, String> headers(HttpFailure why) {
        if (why.status() == 401) {
            return Map.of("WWW-Authenticate", "Bearer");
        }
        return why.retryAfter().isZero() ? Map.of()
                : Map.of("Retry-After", Long.toString(why.retryAfter().plusMillis(999).toSeconds()),
                        "Retry-After-Ms", Long.toString(why.retryAfter().toMillis()));
    }

    @Override
    public synchronized void begin(Map<String, String> headers) {
        if (ended) {
            return;
        }
        streaming = true;
        keepAlive &= chunked;
        DefaultHttpResponse response =
                new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        fill(response.headers(), "text/event-stream; charset=utf-8", headers);
        if (chunked) {
            HttpUtil.setTransferEncodingChunked(response, true);
        }
        var unused = channel.write(response);
    }

    @Override
    public synchronized void event(String data) {
        if (!ended) {
            var unused = channel.writeAndFlush(new DefaultHttpContent(Unpooled
                    .copiedBuffer("data: " + data + "\n\n", StandardCharsets.UTF_8)));
        }
    }

    @Override
    public synchronized void end() {
        if (!ended) {
            finish(LastHttpContent.EMPTY_LAST_CONTENT);
        }
    }

    /**
     * Who does not read the end is not waited for either. The listener stands before the write begins: the client's next request
     * may come right behind the last byte, and must find this answer over.
     */
    private void finish(Object end) {
        ended = true;
        boolean stays = keepAlive;
        Future<?> cut = channel.eventLoop()
                .schedule(this::close, stallTimeout.toNanos(), TimeUnit.NANOSECONDS);
        ChannelPromise written = channel.newPromise();
        written.addListener(done -> {
            cut.cancel(false);
            if (stays && done.isSuccess()) {
                over.run();
            } else {
                close();
            }
        });
        var unused = channel.writeAndFlush(end, written);
    }

    private void close() {
        var unused = channel.close();
    }

    @Override
    public boolean isReady() {
        return channel.isWritable();
    }

    @Override
    public void onReady(Runnable ready) {
        onReady = ready;
        ready.run();
    }

    void ready() {
        onReady.run();
    }

    @Override
    public void onGone(Runnable told) {
        synchronized (this) {
            if (!gone) {
                onGone = told;
                return;
            }
        }
        told.run();
    }

    /** The client has left. */
    void gone() {
        Runnable told;
        synchronized (this) {
            if (gone || ended) {
                return;
            }
            gone = true;
            told = onGone;
        }
        told.run();
    }

    @Override
    public synchronized boolean isGone() {
        return gone;
    }
}
