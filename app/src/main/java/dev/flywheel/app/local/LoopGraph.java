package dev.flywheel.app.local;

import dev.flywheel.pipelines.LoopJob;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.checkpoint.CheckedFileSystem;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;

/** The loop's job as Flink takes it. */
final class LoopGraph {
    private LoopGraph() {}

    /** @param from checkpoint to begin with, which stays as it is */
    static StreamGraph of(Configuration configuration, LoopSettings settings,
            Optional<Path> from) {
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        LoopJob.build(environment, settings);
        StreamGraph graph = environment.getStreamGraph();
        graph.setJobName(LoopJob.NAME);
        graph.setJobId(JobID.generate());
        from.ifPresent(checkpoint -> graph.setSavepointRestoreSettings(SavepointRestoreSettings
                .forPath(CheckedFileSystem.uri(checkpoint).toString(), false,
                        RecoveryClaimMode.NO_CLAIM)));
        return graph;
    }
}
