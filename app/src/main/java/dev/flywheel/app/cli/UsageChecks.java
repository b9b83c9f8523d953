package dev.flywheel.app.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of option values that picocli cannot make by itself; what fails them was called wrongly. */
final class UsageChecks {
    private UsageChecks() {}

    /** Fails, naming the option and what is allowed, if {@code value} is below {@code least}. */
    static void requireAtLeast(CommandSpec spec, String option, int value, int least) {
        if (value < least) {
            throw new ParameterException(
                    spec.commandLine(),
                    "%s is %d, it must be at least %d".formatted(option, value, least));
        }
    }
}
