package dev.flywheel.app.cli;

import dev.flywheel.app.local.StoreFiles;
import dev.flywheel.store.rocksdb.CheckReport;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A store from its backup. */
@Command(
        name = "restore",
        mixinStandardHelpOptions = true,
        description = {
            "Copies a backup into a data folder that has no store, after its files were held against SHA256SUMS, and checks it."
                    + " What was learned after the backup is not in it; nodes that saw it have to be started again.",
            "Exit code 1 if the backup is damaged: then nothing is restored."
        })
final class StoreRestoreCommand implements Callable<Integer> {
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--from", paramLabel = "DIR", required = true,
            description = "Folder that store backup made.") private Path from;

    @Option(names = "--data", paramLabel = "DIR", required = true,
            description = "Data folder; it may be new, and must not hold a store.") private Path data;

    /** What was copied. */
    record Restored(String data, int files, long bytes, CheckReport check) {}

    @Override
    public Integer call() {
        StoreFiles.Copied copied =
                StoreFiles.restore(from, data, new CheckSteps(output.progress()));
        output.print(
                new Restored(data.toString(), copied.files(), copied.bytes(), copied.check()),
                String.format(Locale.ROOT, "restored into %s: %d files of %,d bytes%n%s", data,
                        copied.files(), copied.bytes(), StoreCheckCommand.text(copied.check())));
        return 0;
    }
}
