package dev.flywheel.api.access;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.Principal;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Lets a call pass if {@link MethodRoles} lets its caller; denied otherwise, with {@code UNAUTHENTICATED} where there is no
 * credential or a wrong one, with {@code PERMISSION_DENIED} where it lacks the role. Thread-safe.
 *
 * <p>A credential is a key in the header {@code authorization: Bearer KEY}, else the client's certificate. Callers
 * on this machine that show neither have the roles that the operator leaves to them.
 */
public final class AccessGate implements ServerInterceptor {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final String BEARER = "Bearer ";
    private static final String NO_CREDENTIAL =
            "no valid credential; send one as the header authorization: Bearer KEY";

    private final Supplier<KeyRing> ring;
    private final Caller local;
    private final boolean adminPort;
    private final InstantSource clock;

    /**
     * @param ring the credentials known now
     * @param local roles of callers on this machine that show no credential; none of them elsewhere has any
     * @param adminPort whether this is the port that administration goes through
     */
    public AccessGate(Supplier<KeyRing> ring, Set<Role> local, boolean adminPort,
            InstantSource clock) {
        this.ring = ring;
        this.local = new Caller("local", local, Set.of());
        this.adminPort = adminPort;
        this.clock = clock;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> call, Metadata headers,
            ServerCallHandler<Q, R> next) {
        String method = call.getMethodDescriptor().getFullMethodName();
        if (MethodRoles.isOpen(method)) {
            return next.startCall(call, headers);
        }
        Caller caller;
        try {
            caller = admit(method, headers.get(AUTHORIZATION),
                    call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION),
                    call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
        } catch (StatusRuntimeException denied) {
            return close(call, denied);
        }
        return Contexts.interceptCall(caller.inContext(), call, headers, next);
    }

    /**
     * Lets a caller pass who comes by whatever transport.
     *
     * @param method the one whose roles hold, as in {@code package.Service/Method}
     * @param authorization the header of that name, if there is one
     * @param session of an encrypted connection
     * @param remote where the call comes from; null: from elsewhere
     * @throws StatusRuntimeException if the call is denied
     */
    public Caller admit(String method, @Nullable String authorization,
            @Nullable SSLSession session, @Nullable SocketAddress remote) {
        Caller caller = caller(authorization, session, remote)
                .orElseThrow(() -> denied(Code.UNAUTHENTICATED, NO_CREDENTIAL));
        if (Collections.disjoint(caller.roles(), MethodRoles.allowed(method))) {
            throw denied(Code.PERMISSION_DENIED, "the credential's roles do not allow this");
        }
        if (MethodRoles.isAdminOnly(method) && !adminPort) {
            throw denied(Code.PERMISSION_DENIED, "this is offered on the admin port only");
        }
        return caller;
    }

    private Optional<Caller> caller(@Nullable String header, @Nullable SSLSession session,
            @Nullable SocketAddress remote) {
        KeyRing known = ring.get();
        if (header != null) {
            return header.startsWith(BEARER)
                    ? known.ofKey(header.substring(BEARER.length()).strip(), clock.instant())
                    : Optional.empty();
        }
        Optional<String> name = certified(session);
        if (name.isPresent()) {
            return known.ofCertificate(name.get(), clock.instant());
        }
        return isLocal(remote)
                && !local.roles().isEmpty() ? Optional.of(local) : Optional.empty();
    }

    /** Returns the common name in the certificate that the client has shown, if it has. */
    private static Optional<String> certified(@Nullable SSLSession session) {
        if (session == null) {
            return Optional.empty();
        }
        try {
            return commonName(session.getPeerPrincipal());
        } catch (SSLPeerUnverifiedException noneShown) {
            return Optional.empty();
        }
    }

    private static Optional<String> commonName(Principal principal) {
        try {
            List<Rdn> parts = new LdapName(principal.getName()).getRdns();
            return parts.stream()
                    .filter(part -> part.getType().equalsIgnoreCase("CN"))
                    .map(part -> part.getValue().toString())
                    .findFirst();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static boolean isLocal(@Nullable SocketAddress address) {
        return address instanceof InetSocketAddress inet && inet.getAddress() != null
                && inet.getAddress().isLoopbackAddress();
    }

    private static StatusRuntimeException denied(Code code, String message) {
        return StatusProto.toStatusRuntimeException(Status.newBuilder()
                .setCode(code.getNumber())
                .setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason("AUTH")
                        .setDomain("flywheel")
                        .build()))
                .build());
    }

    private static <Q, R> ServerCall.Listener<Q> close(ServerCall<Q, R> call,
            StatusRuntimeException denied) {
        Metadata trailers = denied.getTrailers();
        call.close(denied.getStatus(), trailers == null ? new Metadata() : trailers);
        return new ServerCall.Listener<>() {};
    }
}
