package dev.flywheel.pipelines;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.WebOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkSettingsTest {
    private static final CheckpointTimes TIMES =
            new CheckpointTimes(Duration.ofSeconds(1), Duration.ofSeconds(7));

    @TempDir Path folder;

    /** Figures that were asked of a task manager that then died are waited for so long, and no others are asked for meanwhile. */
    @Test
    void whatATaskManagerDiedOverIsAskedForAgainWithinSeconds() {
        Configuration processes =
                FlinkSettings.processes(folder, folder, TIMES, 1, 2, 3);
        assertThat(processes.get(WebOptions.TIMEOUT))
                .isLessThanOrEqualTo(Duration.ofSeconds(10));
    }

    /** By default one that waits for a task which has died would hold up all reading for ten minutes. */
    @Test
    void aCheckpointThatDoesNotCompleteIsGivenUpInTime() {
        assertThat(FlinkSettings.local(folder, folder, TIMES)
                .get(CheckpointingOptions.CHECKPOINTING_TIMEOUT)).isEqualTo(TIMES.timeout());
    }
}
