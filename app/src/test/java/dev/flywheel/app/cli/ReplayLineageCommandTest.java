package dev.flywheel.app.cli;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How it is called; what it finds is tested over the whole loop. */
class ReplayLineageCommandTest {
    @TempDir Path folder;

    @Test
    void aRangeThatIsNoneIsMisuse() {
        CommandRun.isMisuse("--from is -1, it must be at least 0", "replay-lineage", "--from",
                "-1");
        CommandRun.isMisuse("--to is 3, it must be above --from, 3", "replay-lineage", "--from",
                "3", "--to", "3");
        CommandRun.isMisuse("--adapter: adapter name is 'A'", "replay-lineage", "--adapter", "A");
    }

    @Test
    void onePlaceIsToldToReadFrom() {
        CommandRun.isMisuse("give either --data DIR or --store HOST:PORT", "replay-lineage",
                "--data", "d", "--store", "localhost:1");
        CommandRun.isMisuse("--store is 'here'", "replay-lineage", "--store", "here");
    }

    @Test
    void aFolderWithoutAStoreIsTold() {
        CommandRun.fails("holds no store", "replay-lineage", "--data", folder, "--model",
                Path.of(System.getProperty("user.dir"), "../models/flywheel-base"));
    }
}
