package dev.flywheel.app.cluster;

import dev.flywheel.app.local.StartException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Free loopback ports that stay free while their process is being started again: below those that the system gives to
 * outgoing connections.
 */
final class Ports {
    private static final int LOWEST = 18_000;
    private static final int BEHIND = 32_000;
    private static final int TRIES = 1_000;

    private final RandomGenerator random;
    private final Set<Integer> taken = new HashSet<>();

    Ports(RandomGenerator random) {
        this.random = random;
    }

    /** Returns {@code wanted}, or a free one if that is 0. */
    int take(int wanted) {
        if (wanted != 0) {
            taken.add(wanted);
            return wanted;
        }
        for (int i = 0; i < TRIES; i++) {
            int port = random.nextInt(LOWEST, BEHIND);
            if (!taken.contains(port) && free(port)) {
                taken.add(port);
                return port;
            }
        }
        throw new StartException("no free port from %d to %d; end what listens there"
                .formatted(LOWEST, BEHIND));
    }

    private static boolean free(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
            return true;
        } catch (IOException taken) {
            return false;
        }
    }
}
