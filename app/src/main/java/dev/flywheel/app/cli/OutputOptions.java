package dev.flywheel.app.cli;

import dev.flywheel.app.console.ModelReading;
import dev.flywheel.app.console.Terminal;
import dev.flywheel.engine.model.LoadProgress;
import java.io.PrintStream;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How a command prints: its result on standard output, and what it tells meanwhile where that disturbs nothing. */
final class OutputOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec spec;

    @Option(
            names = "-o",
            paramLabel = "FORMAT",
            description = {
                "How the result is printed: text or json. As json it alone is on standard output, progress goes to"
                        + " standard error. Default: text."
            }) private OutputFormat format = OutputFormat.text;

    /** Returns where progress goes. */
    PrintStream progress() {
        return json() ? System.err : System.out;
    }

    /** Returns whether progress is watched on a terminal that can be redrawn. */
    boolean watched() {
        return !json() && Terminal.interactive();
    }

    /** Returns what shows how far a model is read: beside the result, unless somebody watches both. */
    LoadProgress reading() {
        return new ModelReading(watched() ? System.out : System.err, watched(), System::nanoTime);
    }

    /** Prints the result, {@code text} if a person is to read it. */
    void print(Object result, String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(json() ? JsonFile.text(result) : text);
        out.flush();
    }

    private boolean json() {
        return format == OutputFormat.json;
    }
}
