package dev.flywheel.app.cli;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.rounds.CertificateCheck;
import dev.flywheel.app.rounds.ForgettingCertificate;
import dev.flywheel.app.rounds.LineageReport;
import dev.flywheel.app.rounds.RoundDevice;
import dev.flywheel.trainer.gate.Gate;
import dev.flywheel.trainer.lineage.Comparison;
import dev.flywheel.trainer.lineage.LineageRange;
import dev.flywheel.trainer.lineage.LineageReplay;
import dev.flywheel.trainer.lineage.StoredLineage;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** P12, for whoever wants to see it: versions trained again from their manifests. */
@Command(
        name = "replay-lineage",
        mixinStandardHelpOptions = true,
        description = {
            "Trains versions of an adapter again from the manifests that made them, and compares weights, optimizer state and"
                    + " probe of each with its record, bit for bit. Changes nothing.",
            "Begins at the nearest ancestor of --from whose weights and optimizer state are still kept. Give the model and"
                    + " settings that the node has: what was trained on another base, backend, instruction set, kernel version"
                    + " or round is refused by name.",
            "With --certificate it checks that a forgotten user is gone from what was learned.",
            "Reads the data folder of a node, which may be running, or asks the internal port of a store process.",
            "Exit code: 0 if all are identical, 1 if one differs or it cannot be told, 2 if the command line was wrong."
        })
public final class ReplayLineageCommand implements Callable<Integer> {
    private static final long HEAD = -1;

    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--from", paramLabel = "N", defaultValue = "0",
            description = "Version to begin after; an ancestor of the last one. Default: ${DEFAULT-VALUE}.") private long from;

    @Option(names = "--to", paramLabel = "M",
            description = "Last version. Default: HEAD.") private long to = HEAD;

    @Option(names = "--adapter", paramLabel = "NAME",
            description = "Whose versions. Default: the setting adapter.name.") private @Nullable String adapter;

    @Option(names = "--certificate", paramLabel = "FILE",
            description = "Checks what ./flywheel forget --certificate wrote, instead: trains what the user had a part in again without"
                    + " them, and compares it with what the adapter has been since.") private @Nullable Path certificate;

    @Mixin private StorePlaceOptions place = new StorePlaceOptions();

    @Override
    public Integer call() {
        checkUsage();
        report.requireWritable();
        FlywheelConfig config = loop.settings(Map.of(), Map.of());
        if (certificate != null) {
            ForgettingCertificate claimed = JsonFile.read("--certificate", certificate,
                    ForgettingCertificate.class);
            Path model = loop.modelFolder();
            CertificateCheck check =
                    place.ask(config, store -> check(config, model, store, claimed));
            report.give(check, check.text());
            return check.identical() ? 0 : 1;
        }
        AdapterName name = UsageChecks.adapter(spec, "--adapter",
                adapter == null ? config.adapter().name() : adapter);
        Path model = loop.modelFolder();
        LineageReport figures =
                place.ask(config, store -> compare(config, name, model, store));
        report.give(figures, figures.text());
        return figures.identical() ? 0 : 1;
    }

    private void checkUsage() {
        UsageChecks.require(spec, from >= 0, "--from", from, "at least 0");
        UsageChecks.require(spec, to == HEAD || to > from, "--to", to, "above --from, " + from);
        if (certificate != null && (from != 0 || to != HEAD || adapter != null)) {
            throw UsageChecks.wrong(spec,
                    "give --certificate alone: it names adapters and versions itself");
        }
        place.check();
    }

    private CertificateCheck check(FlywheelConfig config, Path model, StoreClient store,
            ForgettingCertificate claimed) {
        try (RoundDevice device = RoundDevice.open(config, model, report.output().reading())) {
            StoredLineage lineage = new StoredLineage(store);
            return CertificateCheck.of(claimed, lineage,
                    new LineageReplay(lineage, device.round(), Gate.DEFAULT),
                    new LineageProgress(report.output()));
        }
    }

    private LineageReport compare(FlywheelConfig config, AdapterName name, Path model,
            StoreClient store) {
        long last = to == HEAD ? store.getAdapter(name.value()).getHead() : to;
        UsageChecks.require(spec, last > from, "--from", from, "below HEAD, which is " + last);
        LineageRange range = new LineageRange(name.value(), from, last);
        try (RoundDevice device = RoundDevice.open(config, model, report.output().reading())) {
            long began = System.nanoTime();
            Comparison comparison =
                    new LineageReplay(new StoredLineage(store), device.round(), Gate.DEFAULT)
                            .compare(range, new LineageProgress(report.output()), () -> false);
            return LineageReport.of(comparison, (System.nanoTime() - began) / 1e9);
        }
    }
}
