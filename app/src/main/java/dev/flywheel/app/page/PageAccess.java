package dev.flywheel.app.page;

import com.sun.net.httpserver.HttpExchange;
import dev.flywheel.api.access.Caller;
import dev.flywheel.api.access.KeyRing;
import dev.flywheel.api.access.Role;
import java.net.InetAddress;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who may read figures: who shows a key with the role {@code operate}; without a key callers of this machine, where the operator
 * leaves them that role. Thread-safe.
 *
 * <p>A request has to name this node as a browser that was sent here by its owner does: another name, which somebody had resolved
 * to this machine, would let that somebody's page read what comes back.
 */
public final class PageAccess {
    private static final String BEARER = "Bearer ";
    private static final Pattern LOOPBACK =
            Pattern.compile("localhost|127(\\.\\d{1,3}){3}|\\[::1]|\\[0:0:0:0:0:0:0:1]");
    private static final Pattern PORT = Pattern.compile(":\\d{1,5}$");

    private final Supplier<KeyRing> keys;
    private final Set<Role> local;
    private final String host;
    private final InstantSource clock;

    /**
     * @param keys the credentials known now
     * @param local roles of callers on this machine that show no key
     * @param host that the node listens on, as the settings name it
     */
    public PageAccess(Supplier<KeyRing> keys, Set<Role> local, String host, InstantSource clock) {
        this.keys = keys;
        this.local = Set.copyOf(local);
        this.host = host.toLowerCase(Locale.ROOT);
        this.clock = clock;
    }

    /** @throws PageException if the request names another host */
    void requireHost(HttpExchange exchange) {
        String named = exchange.getRequestHeaders().getFirst("Host");
        if (named == null || !isOurs(withoutPort(named), exchange.getLocalAddress().getAddress())) {
            throw new PageException(421,
                    "the request names another host; open this page by localhost or by metrics.host");
        }
    }

    private static String withoutPort(String named) {
        return PORT.matcher(named.toLowerCase(Locale.ROOT)).replaceFirst("");
    }

    /** Where the node listens on all addresses, the one that the request came to is as good; no name can stand for that. */
    private boolean isOurs(String name, @Nullable InetAddress reached) {
        return LOOPBACK.matcher(name).matches() || name.equals(host)
                || name.equals("[" + host + "]")
                || reached != null && (name.equals(reached.getHostAddress())
                        || name.equals("[" + reached.getHostAddress() + "]"));
    }

    /** @throws PageException if the caller may not read figures */
    void requireOperate(HttpExchange exchange) {
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        Set<Role> roles = header == null ? withoutKey(exchange) : withKey(header);
        if (!roles.contains(Role.OPERATE)) {
            throw new PageException(403,
                    "the role operate is missing; show a key that has it, see ./flywheel key");
        }
    }

    private Set<Role> withKey(String header) {
        Optional<Caller> caller = header.startsWith(BEARER)
                ? keys.get().ofKey(header.substring(BEARER.length()).strip(), clock.instant())
                : Optional.empty();
        return caller.map(Caller::roles)
                .orElseThrow(() -> new PageException(401, "this key is not valid"));
    }

    private Set<Role> withoutKey(HttpExchange exchange) {
        InetAddress caller = exchange.getRemoteAddress().getAddress();
        if (local.isEmpty() || caller == null || !caller.isLoopbackAddress()) {
            throw new PageException(401,
                    "a key with the role operate is needed, as the header authorization: Bearer KEY");
        }
        return local;
    }
}
