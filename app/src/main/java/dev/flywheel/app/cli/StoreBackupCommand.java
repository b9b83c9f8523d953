package dev.flywheel.app.cli;

import dev.flywheel.app.local.StoreFiles;
import dev.flywheel.store.rocksdb.CheckReport;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A copy of a store that can be trusted. */
@Command(
        name = "backup",
        mixinStandardHelpOptions = true,
        description = {
            "Copies the store of a data folder that no node uses into a new folder, with the SHA-256 of every file in"
                    + " SHA256SUMS, and checks the copy as check does. The folder appears whole or not at all.",
            "Exit code 1 if the store is damaged: then there is no backup."
        })
final class StoreBackupCommand implements Callable<Integer> {
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--data", paramLabel = "DIR", required = true,
            description = "Data folder of a node that is not running.") private Path data;

    @Option(names = "--out", paramLabel = "DIR", required = true,
            description = "New folder for the backup.") private Path out;

    /** What was copied. */
    record BackedUp(String folder, int files, long bytes, CheckReport check) {}

    @Override
    public Integer call() {
        Outputs.requireNewFolder("--out", out);
        StoreFiles.Copied copied;
        try (StoreFiles files = StoreFiles.take(data)) {
            copied = files.backUp(out, new CheckSteps(output.progress()));
        }
        output.print(
                new BackedUp(out.toString(), copied.files(), copied.bytes(), copied.check()),
                String.format(Locale.ROOT, "backed up to %s: %d files of %,d bytes%n%s", out,
                        copied.files(), copied.bytes(), StoreCheckCommand.text(copied.check())));
        return 0;
    }
}
