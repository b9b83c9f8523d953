package dev.flywheel.app.cli;

import dev.flywheel.app.local.StoreFiles;
import dev.flywheel.store.rocksdb.CheckReport;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whether a store is what its commits made it. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description = {
            "Checks all of a store and changes nothing: block checksums; the newest commit against its mark; every commit from the"
                    + " first, its hash and what must hold after it; every version, manifest, claim, audit entry, withdrawal and"
                    + " reference against the commit that wrote it; every blob against its digest.",
            "Exit code 1, naming what is damaged, if anything is."
        })
final class StoreCheckCommand implements Callable<Integer> {
    @Mixin private ReportOptions report = new ReportOptions();

    @Option(names = "--data", paramLabel = "DIR", required = true,
            description = "Data folder of a node that is not running.") private Path data;

    @Override
    public Integer call() {
        report.requireWritable();
        CheckReport result;
        try (StoreFiles files = StoreFiles.take(data)) {
            result = files.check(new CheckSteps(report.output().progress()));
        }
        report.give(result, text(result));
        return result.sound() ? 0 : 1;
    }

    static String text(CheckReport report) {
        StringBuilder out = new StringBuilder();
        report.damage()
                .forEach(each -> out.append("damaged  ")
                        .append(each.where())
                        .append(": ")
                        .append(each.what())
                        .append('\n'));
        report.notes().forEach(note -> out.append("note     ").append(note).append('\n'));
        return out.append(String.format(Locale.ROOT,
                "%s: %,d commits (marked: %s), %,d adapters, %,d versions, %,d manifests, %,d claims, %,d blobs of %,d bytes",
                report.sound() ? "sound" : report.damages() + " damaged", report.commits(),
                report.marked() < 0 ? "none" : String.format(Locale.ROOT, "%,d", report.marked()),
                report.adapters(), report.versions(), report.manifests(), report.claims(),
                report.blobs(), report.blobBytes())).toString();
    }
}
