package dev.flywheel.serving.rpc;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Refuses calls whose headers are larger than a limit, with {@code RESOURCE_EXHAUSTED}. The transport has a wider limit of its
 * own: what it refuses reaches clients as {@code INTERNAL}, without a word on the cause.
 */
final class HeaderLimit implements ServerInterceptor {
    /** What HTTP/2 counts for each header besides its name and value: RFC 9113, section 6.5.2. */
    private static final int ENTRY_BYTES = 32;

    private static final int TRANSPORT_TIMES = 16;

    private final int bytesMax;

    HeaderLimit(int bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** Returns the limit for the transport below this one. */
    static int transportBytes(int bytesMax) {
        return Math.multiplyExact(bytesMax, TRANSPORT_TIMES);
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> call, Metadata headers,
            ServerCallHandler<Q, R> next) {
        long bytes = bytes(headers);
        if (bytes <= bytesMax) {
            return next.startCall(call, headers);
        }
        call.close(Status.RESOURCE_EXHAUSTED.withDescription(
                "the headers have %d bytes; at most %d are taken (server.metadata_bytes_max): send fewer or shorter ones"
                        .formatted(bytes, bytesMax)),
                new Metadata());
        return new ServerCall.Listener<>() {};
    }

    private static long bytes(Metadata headers) {
        long bytes = 0;
        for (String name : headers.keys()) {
            bytes += name.endsWith(Metadata.BINARY_HEADER_SUFFIX) ? binary(headers, name)
                    : ascii(headers, name);
        }
        return bytes;
    }

    private static long ascii(Metadata headers, String name) {
        return bytes(name, headers.getAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER)),
                String::length);
    }

    private static long binary(Metadata headers, String name) {
        return bytes(name, headers.getAll(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER)),
                value -> value.length);
    }

    private static <T> long bytes(String name, @Nullable Iterable<T> values,
            ToIntFunction<T> length) {
        long bytes = 0;
        if (values != null) {
            for (T value : values) {
                bytes += entry(name) + length.applyAsInt(value);
            }
        }
        return bytes;
    }

    private static int entry(String name) {
        return name.length() + ENTRY_BYTES;
    }
}
