package dev.flywheel.app.cli;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.local.LogFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Locale;
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
        command.getErr()
                .printf(
                        "flywheel: %s%s; see ./%s --help%n",
                        lowerCase(oneLine(String.valueOf(e.getMessage()))), suggestion(e),
                        command.getCommandSpec().qualifiedName());
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static String suggestion(ParameterException e) {
        List<String> known =
                e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions()
                        : List.of();
        return known.isEmpty() ? "" : " (did you mean " + String.join(" or ", known) + "?)";
    }

    /** The first word stands behind the name of the program. */
    private static String lowerCase(String message) {
        return message.isEmpty() ? message
                : message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
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
        if (cause instanceof FileSystemException e && e.getFile() != null) {
            return oneLine(e.getFile() + " cannot be used (" + FileProblem.words(e)
                    + "); check the path and its rights");
        }
        return oneLine(cause instanceof IOException e ? FileProblem.words(e) : message);
    }

    /** Text of others may be in it: nothing may steer the terminal. */
    private static String oneLine(String message) {
        return message.replaceAll("\\s*\\R\\s*", " ")
                .replaceAll("[\\p{Cntrl}\\x{80}-\\x{9f}]", "?");
    }
}
