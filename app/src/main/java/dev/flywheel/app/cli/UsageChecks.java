package dev.flywheel.app.cli;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.app.deadletter.Position;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of option values that picocli cannot make by itself; what fails them was called wrongly. */
final class UsageChecks {
    private static final List<String> BACKENDS = List.of("cpu", "reference");
    private static final int PORT_MAX = 65_535;

    private UsageChecks() {}

    /** Returns what is thrown for a command line that is wrong. */
    static ParameterException wrong(CommandSpec spec, String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** Fails, naming the option and what is allowed, if {@code value} is below {@code least}. */
    static void requireAtLeast(CommandSpec spec, String option, int value, int least) {
        if (value < least) {
            throw wrong(spec, "%s is %d, it must be at least %d".formatted(option, value, least));
        }
    }

    /** Fails, naming the option and what is allowed, unless {@code holds}. */
    static void require(CommandSpec spec, boolean holds, String option, Object value,
            String allowed) {
        if (!holds) {
            throw wrong(spec, "%s is %s, it must be %s".formatted(option, value, allowed));
        }
    }

    /** Fails unless {@code name} is one of the backends. */
    static void requireBackend(CommandSpec spec, String name) {
        require(spec, BACKENDS.contains(name), "--backend", "'" + name + "'",
                String.join(" or ", BACKENDS));
    }

    /** Returns the adapter's name; fails, naming where it stood, if it is none. */
    static AdapterName adapter(CommandSpec spec, String option, String name) {
        try {
            return new AdapterName(name);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
        }
    }

    /** Returns where a dead letter stands; fails if {@code text} is no position. */
    static Position position(CommandSpec spec, String text) {
        try {
            return Position.of(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** Fails unless {@code address} is a host and a port. */
    static void requireAddress(CommandSpec spec, String option, String address) {
        require(spec, isAddress(address), option, "'" + address + "'",
                "HOST:PORT with a port of 1 to 65535, such as localhost:7070");
    }

    private static boolean isAddress(String address) {
        try {
            URI uri = new URI("//" + address).parseServerAuthority();
            return uri.getHost() != null && uri.getPort() >= 1 && uri.getPort() <= PORT_MAX
                    && address.equals(uri.getHost() + ":" + uri.getPort());
        } catch (URISyntaxException e) {
            return false;
        }
    }

    /** Fails unless {@code list} is numbers with commas or blanks between. */
    static void requireIds(CommandSpec spec, String option, String list) {
        for (String part : list.strip().split(",", -1)) {
            for (String id : part.strip().split("\\s+", -1)) {
                if (!id.matches("\\d{1,9}")) {
                    throw wrong(spec,
                            "%s is '%s', in which '%s' is no token id; give numbers with commas between, such as 1,2,3"
                                    .formatted(option, list, id));
                }
            }
        }
    }
}
