package dev.flywheel.app.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Who changes an adapter, and why: what its audit is to say. */
final class AuditOptions {
    @Option(names = "--actor", paramLabel = "NAME",
            description = "Who does it, for the audit. Default: the user whose process this is.") private @Nullable String actor;

    @Option(names = "--reason", paramLabel = "TEXT", defaultValue = "",
            description = "Why, for the audit.") private String reason = "";

    String actor() {
        return actor != null && !actor.isBlank() ? actor
                : ProcessHandle.current().info().user().orElse("operator");
    }

    String reason() {
        return reason;
    }
}
