package dev.flywheel.pipelines;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkSettingsTest {
    @TempDir Path folder;

    @Test
    void theNewestCompleteCheckpointOfAllJobsIsFound() throws Exception {
        assertThat(FlinkSettings.newestCheckpoint(folder.resolve("none"))).isEmpty();
        assertThat(FlinkSettings.newestCheckpoint(folder)).isEmpty();
        checkpoint("job-a/chk-9", 2_000);
        Path newest = checkpoint("job-b/chk-1", 3_000);
        checkpoint("job-b/chk-0", 1_000);
        Files.createDirectories(folder.resolve("job-b/chk-2")); // without metadata: not complete
        assertThat(FlinkSettings.newestCheckpoint(folder)).contains(newest);
    }

    @Test
    void ofTwoWrittenAtOnceTheHigherNumberIsNewer() throws Exception {
        checkpoint("job/chk-9", 1_000);
        Path newest = checkpoint("job/chk-10", 1_000);
        assertThat(FlinkSettings.newestCheckpoint(folder)).contains(newest);
    }

    private Path checkpoint(String name, long writtenAt) throws Exception {
        Path path = Files.createDirectories(folder.resolve(name));
        Path metadata = Files.writeString(path.resolve("_metadata"), "x");
        Files.setLastModifiedTime(metadata, FileTime.fromMillis(writtenAt));
        return path;
    }
}
