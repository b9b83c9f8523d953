package dev.flywheel.app.cli;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What a command computes on. */
final class DeviceOptions {
    @Option(names = "--backend", paramLabel = "NAME", defaultValue = "cpu",
            description = "cpu, or reference (slow, sums in double). Default: ${DEFAULT-VALUE}.") String backend =
                    "cpu";

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads of the backend. Default: all cores.") int threads =
                    Runtime.getRuntime().availableProcessors();

    /** Fails, naming the option and what is allowed, if there is no such device. */
    void check(CommandSpec spec) {
        UsageChecks.requireAtLeast(spec, "--threads", threads, 1);
        UsageChecks.requireBackend(spec, backend);
    }

    /** Opens it; the caller closes it. */
    Backend open() {
        return Backends.open(backend, threads);
    }
}
