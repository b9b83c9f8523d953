package dev.flywheel.app.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where the figures of a command that measures go. */
final class ReportOptions {
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--json", paramLabel = "FILE",
            description = "Also writes the figures to FILE, as JSON.") private @Nullable Path file;

    OutputOptions output() {
        return output;
    }

    /** Fails early, before the work, if the file cannot be written. */
    void requireWritable() {
        if (file != null) {
            JsonFile.requireWritable(file);
        }
    }

    /** Prints the report, {@code text} if a person is to read it, and writes it to the file if there is one. */
    void give(Object report, String text) {
        output.print(report, text);
        if (file != null) {
            JsonFile.write(file, report);
        }
    }
}
