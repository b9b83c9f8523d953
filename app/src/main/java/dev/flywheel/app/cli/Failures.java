package dev.flywheel.app.cli;

import dev.flywheel.app.local.LogFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns failures into one line on standard error and an exit code: 2 for how it was called, 1 for the rest. */
public final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    /** A command line that cannot be understood. */
    public static int usage(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        command.getErr().println("flywheel: " + oneLine(String.valueOf(e.getMessage())));
        UnmatchedArgumentException.printSuggestions(e, command.getErr());
        command.getErr()
                .printf("see ./%s --help%n", command.getCommandSpec().qualifiedName());
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    /** A command that could not do its work. */
    public static int report(Exception e, CommandLine command, ParseResult parsed) {
        Throwable cause = cause(e);
        LOG.info("command failed", e); // for the file: the user reads the line below
        command.getErr().println("flywheel: " + line(cause));
        return command.getCommandSpec().exitCodeOnExecutionException();
    }

    private static Throwable cause(Throwable e) {
        Throwable cause = e;
        while ((cause instanceof ExecutionException || cause instanceof UncheckedIOException)
                && cause.getCause() != null
                && cause.getMessage() != null
                && cause.getMessage().equals(String.valueOf(cause.getCause()))) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static String line(Throwable cause) {
        String message = cause.getMessage();
        if (message == null || cause instanceof NullPointerException) {
            return "unexpected " + cause + "; please report it; " + LogFile.hint();
        }
        boolean fileProblem = cause instanceof IOException;
        return oneLine(fileProblem ? cause.getClass().getSimpleName() + ": " + message : message);
    }

    private static String oneLine(String message) {
        return message.replaceAll("\\s*\\R\\s*", " ");
    }
}
