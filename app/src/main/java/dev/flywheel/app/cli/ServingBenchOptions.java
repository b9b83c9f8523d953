package dev.flywheel.app.cli;

import dev.flywheel.app.console.Progress;
import dev.flywheel.app.tool.RandomModelFolder;
import dev.flywheel.engine.model.NamedShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What benches of serving have in common. */
final class ServingBenchOptions {
    private static final NamedShape SHAPE = NamedShape.SMOLLM2_135M;

    @Spec(Spec.Target.MIXEE) private CommandSpec spec;
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--model", paramLabel = "DIR",
            description = "Base model, a Hugging Face folder. Default: random weights of the shape of smollm2-135m, made for it.") private @Nullable Path model;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "2",
            description = "Threads of one kernel call. Default: ${DEFAULT-VALUE}.") private int threads =
                    2;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "7",
            description = "Number that fixes weights and requests. Default: ${DEFAULT-VALUE}.") private long seed =
                    7;

    ReportOptions report() {
        return report;
    }

    int threads() {
        return threads;
    }

    long seed() {
        return seed;
    }

    void check() {
        UsageChecks.requireAtLeast(spec, "--threads", threads, 1);
        report.requireWritable();
    }

    /** Returns what the model is called in reports. */
    String modelName() {
        return model == null ? SHAPE.label() : String.valueOf(model.getFileName());
    }

    /** Returns the model's folder; the default one is written into {@code temporary}. */
    Path model(Path temporary) throws IOException {
        if (model != null) {
            return ModelFolder.find(model);
        }
        Path folder = Files.createDirectory(temporary.resolve("model"));
        RandomModelFolder random = new RandomModelFolder(folder, SHAPE, ModelFolder.find(null));
        Progress progress = progress("weights", random.parameters());
        random.write(1, done -> progress.update(done, "", System.nanoTime()));
        return folder;
    }

    /** Returns what a node is measured with: its own ports, all cores for its steps, no log. */
    Map<String, Object> nodeSettings() {
        return Map.of("server.port", 0, "server.admin_port", 0, "server.http_port", -1,
                "engine.threads", threads,
                "engine.lanes", 1, "data.log_mib_max", 0);
    }

    Progress progress(String unit, long total) {
        return new Progress(report.output().progress(), report.output().watched(), unit, total,
                System.nanoTime());
    }
}
