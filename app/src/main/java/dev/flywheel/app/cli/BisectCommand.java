package dev.flywheel.app.cli;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.adapters.lora.LoraConfig;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.adapters.peft.PeftFolder;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.StartException;
import dev.flywheel.app.rounds.GuiltyRounds;
import dev.flywheel.app.rounds.RoundDevice;
import dev.flywheel.trainer.adapter.Conversions;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.lineage.LineageRange;
import dev.flywheel.trainer.lineage.LineageReplay;
import dev.flywheel.trainer.lineage.StoredLineage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which round spoilt it. */
@Command(
        name = "bisect",
        mixinStandardHelpOptions = true,
        description = {
            "Finds the round that spoilt an adapter: trains parts of its lineage again from their manifests, and asks a command of"
                    + " yours what it thinks of the outcome. Changes nothing, unless --apply is given.",
            "The command is run by sh with the folder of a PEFT adapter as $1: exit code 0 says good, 1 to 124 bad, any other ends the search. What it prints goes to standard error.",
            "Works on what HEAD came from, and on what a rollback took out of it. Reads the data folder of a node, which may be"
                    + " running, or asks the internal port of a store process. Give the model and settings that the node has.",
            "Exit code: 0 if the guilty rounds are found, or there is none; 1 if it cannot be told, 2 if the command line was wrong."
        })
public final class BisectCommand implements Callable<Integer> {
    private static final int BAD_MAX = 124;

    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private ReportOptions report = new ReportOptions();
    @Mixin private StorePlaceOptions place = new StorePlaceOptions();
    @Mixin private AuditOptions audit = new AuditOptions();

    @Option(names = "--good", paramLabel = "N", required = true,
            description = "A version that passes, an ancestor of the bad one.") private long good;

    @Option(names = "--bad", paramLabel = "M", required = true,
            description = "A version that does not.") private long bad;

    @Option(names = "--check", paramLabel = "COMMAND", required = true,
            description = "The command, such as './eval.py $1'.") private String check = "";

    @Option(names = "--adapter", paramLabel = "NAME",
            description = "Whose versions. Default: the setting adapter.name.") private @Nullable String adapter;

    @Option(names = "--guilty-max", paramLabel = "N", defaultValue = "8",
            description = "How many rounds may be guilty. Default: ${DEFAULT-VALUE}.") private int guiltyMax;

    @Option(names = "--apply",
            description = "Takes the guilty rounds out of what the adapter has learned, and has it learn again those that a rollback took"
                    + " out with them.") private boolean apply;

    @Override
    public Integer call() {
        UsageChecks.require(spec, good >= 0, "--good", good, "at least 0");
        UsageChecks.require(spec, bad > good, "--bad", bad, "above --good, " + good);
        UsageChecks.requireAtLeast(spec, "--guilty-max", guiltyMax, 1);
        place.check();
        report.requireWritable();
        FlywheelConfig config = loop.settings(Map.of(), Map.of());
        AdapterName name = UsageChecks.adapter(spec, "--adapter",
                adapter == null ? config.adapter().name() : adapter);
        Path model = loop.modelFolder();
        return place.ask(config, store -> find(config, name, model, store));
    }

    private int find(FlywheelConfig config, AdapterName name, Path model,
            StoreClient store) {
        LoraConfig shape = Conversions.loraConfig(store.getAdapter(name.value()).getLora());
        try (RoundDevice device = RoundDevice.open(config, model, report.output().reading());
                TemporaryFolder folder = new TemporaryFolder("flywheel-bisect-")) {
            LineageReplay replay =
                    new LineageReplay(new StoredLineage(store), device.round(), Gate.DEFAULT);
            GuiltyRounds found = GuiltyRounds.find(store, replay,
                    new LineageRange(name.value(), good, bad), guiltyMax,
                    weights -> passes(folder.path().resolve("adapter"), shape, weights),
                    new LineageProgress(report.output()));
            report.give(found, found.text());
            if (apply) {
                found.apply(store, audit.actor(), audit.reason());
            }
            return 0;
        }
    }

    private boolean passes(Path folder, LoraConfig shape, byte[] weights) {
        try {
            PeftFolder.write(folder, LoraWeights.fromSafetensors(shape, weights), "base");
        } catch (AdapterException e) {
            throw new StartException("the adapter cannot be written to %s (%s)".formatted(folder,
                    e.getMessage()), e);
        }
        int code = run(folder);
        if (code > BAD_MAX) {
            throw new StartException(
                    "the command given with --check ended with exit code %d, which is neither good (0) nor bad (1 to %d); see to it and try again"
                            .formatted(code, BAD_MAX));
        }
        return code == 0;
    }

    private int run(Path folder) {
        try {
            Process process = new ProcessBuilder("sh", "-c", "exec 1>&2\n" + check, "check",
                    folder.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            process.getOutputStream().close();
            return process.waitFor();
        } catch (IOException e) {
            throw new StartException("sh cannot be run for --check (%s)".formatted(e.getMessage()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("stopped while the command given with --check ran", e);
        }
    }
}
