package dev.flywheel.app.cli;

import dev.flywheel.app.console.Progress;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.oracle.CaseReport;
import dev.flywheel.app.oracle.OracleReport;
import dev.flywheel.app.oracle.OracleRun;
import dev.flywheel.engine.backend.Backend;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Holds the engine against another implementation's results. */
@Command(
        name = "oracle",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the engine over cases whose results another implementation computed, and compares.",
            "Prints a line a case: pass, refused (a feature the case allows to refuse by name), or fail with each figure"
                    + " beside what is allowed of it. Exit code 1 if any case fails."
        })
public final class OracleCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "PATH",
            description = "Folder of format flywheel-oracle/1, with an INDEX.json; or a case of it.") private Path path;

    @Option(names = "--cases", paramLabel = "PREFIX", defaultValue = "",
            description = "Runs only cases whose id begins with PREFIX, such as models/ or training/dpo.") private String prefix;

    @Mixin private DeviceOptions device = new DeviceOptions();

    @Option(names = "--dump", paramLabel = "DIR",
            description = {
                "Writes what the engine computed to DIR/<case id>/: actual.json, actual.safetensors and trajectory/, in the"
                        + " layout of the golden files."
            }) private @Nullable Path dump;

    @Mixin private ReportOptions output = new ReportOptions();

    @Override
    public Integer call() {
        device.check(spec);
        output.requireWritable();
        if (dump != null && Files.exists(dump) && !Files.isDirectory(dump)) {
            throw new StartException(
                    "--dump %s is a file; give a folder or a new name".formatted(dump));
        }
        try (Backend backend = device.open()) {
            OracleRun run = new OracleRun(path, prefix, backend, dump, System::nanoTime);
            OracleReport report = run.run(new Lines(output.output(), run.size()));
            output.give(report, report.total());
            return report.held() ? 0 : 1;
        }
    }

    /** A line a case, and on a terminal a bar below them. */
    private static final class Lines implements OracleRun.Watcher {
        private static final String CLEAR = "\r\u001b[2K";
        private final PrintStream out;
        private final boolean terminal;
        private final Progress progress;

        Lines(OutputOptions output, int cases) {
            this.out = output.progress();
            this.terminal = output.watched();
            this.progress = new Progress(out, terminal, "cases", cases, System.nanoTime());
        }

        @Override
        public void begins(String id, int done) {
            if (terminal) {
                progress.update(done, id, System.nanoTime());
            }
        }

        @Override
        public void judged(CaseReport report) {
            out.println((terminal ? CLEAR : "") + report.line());
            out.flush();
        }
    }
}
