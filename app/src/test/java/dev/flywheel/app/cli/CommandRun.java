package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.app.FlywheelCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import picocli.CommandLine;

/**
 * A command line that was run, with what it printed.
 *
 * @param code exit code
 */
record CommandRun(int code, String out, String err) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static CommandRun of(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        int code = line.execute(Arrays.stream(args).map(String::valueOf).toArray(String[]::new));
        return new CommandRun(code, out.toString(), err.toString());
    }

    /** Runs what must work and returns what it printed. */
    static JsonNode json(Object... args) throws IOException {
        CommandRun run = of(args);
        assertThat(run.code).as("%s", run.err).isZero();
        return JSON.readTree(run.out);
    }

    /** Runs what cannot work: one line says why. */
    static void fails(String expected, Object... args) {
        of(args).failed(1, expected);
    }

    /** Runs what is called wrongly: one line says how. */
    static void isMisuse(String expected, Object... args) {
        of(args).failed(2, expected);
    }

    private void failed(int expectedCode, String expected) {
        assertThat(err.lines()).as("%s", err).hasSize(1);
        assertThat(err).contains(expected).doesNotContain("java.", "dev.flywheel", "Exception");
        assertThat(code).as("%s", err).isEqualTo(expectedCode);
    }
}
