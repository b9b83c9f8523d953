package dev.flywheel.app.local;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/**
 * Where a part of this process listens, and how this process itself gets there.
 *
 * @param group settings group that has {@code host} and {@code port}, to tell operators what to change
 */
record ListenAddress(String group, String host, int port) {
    /**
     * Checks, before anything is started, that it can be listened on.
     *
     * @param portSettings where the port comes from, in the operator's words
     * @throws StartException naming setting, value and remedy
     */
    void require(String portSettings) {
        InetAddress address = resolved();
        try {
            if (!address.isAnyLocalAddress() && !address.isLoopbackAddress()
                    && NetworkInterface.getByInetAddress(address) == null) {
                throw new StartException(
                        "%s.host is \"%s\", which is not an address of this machine; give one that is, or 0.0.0.0 for all of them"
                                .formatted(group, host));
            }
        } catch (IOException e) {
            throw new StartException("addresses of this machine cannot be read: " + e, e);
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(address, port));
        } catch (IOException e) {
            throw new StartException(
                    "port %d on %s cannot be listened on (%s); set %s to a free one (0 picks one)"
                            .formatted(port, host, e.getMessage(), portSettings),
                    e);
        }
    }

    private InetAddress resolved() {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new StartException(
                    "%s.host is \"%s\", which is neither an address nor a name that this machine can resolve; give one of its addresses, e.g. 127.0.0.1"
                            .formatted(group, host),
                    e);
        }
    }

    /** Returns what a client in this process connects to: the address itself, loopback where it stands for all. */
    String dialled() {
        InetAddress address = resolved();
        if (address.isAnyLocalAddress()) {
            return address instanceof Inet6Address ? "[::1]:" + port : "127.0.0.1:" + port;
        }
        return bracketed(address.getHostAddress()) + ":" + port;
    }

    /** Returns host and port as people write them. */
    String shown() {
        return bracketed(host) + ":" + port;
    }

    private static String bracketed(String host) {
        return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    }
}
