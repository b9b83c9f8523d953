package dev.flywheel.app.abuse;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** All that failed calls said, to be looked through for what they should not say. Thread-safe. */
final class Statuses implements ClientInterceptor {
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private final Set<String> said = ConcurrentHashMap.newKeySet();
    private final AtomicLong calls = new AtomicLong();

    /** Calls that failed. */
    long calls() {
        return calls.get();
    }

    /** What they said, each once. */
    List<String> said() {
        return said.stream().sorted().toList();
    }

    /** Keeps what a call said that did not come through here. */
    void add(Status status, Metadata trailers) {
        if (status.isOk()) {
            return;
        }
        calls.incrementAndGet();
        byte[] details = trailers.get(DETAILS);
        said.add(status.getCode() + " " + status.getDescription()
                + (details == null ? "" : " " + new String(details, StandardCharsets.UTF_8)));
    }

    @Override
    public <A, B> ClientCall<A, B> interceptCall(MethodDescriptor<A, B> method,
            CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<B> listener, Metadata headers) {
                super.start(new SimpleForwardingClientCallListener<>(listener) {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        add(status, trailers);
                        super.onClose(status, trailers);
                    }
                }, headers);
            }
        };
    }
}
