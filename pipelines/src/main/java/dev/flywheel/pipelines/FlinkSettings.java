package dev.flywheel.pipelines;

import dev.flywheel.pipelines.checkpoint.CheckedFileSystem;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.configuration.Configuration;

/**
 * Flink's configuration for the loop: heap state, checkpoints that outlive the job, few threads, no waiting for
 * full buffers.
 */
public final class FlinkSettings {
    private FlinkSettings() {}

    /**
     * Returns the configuration.
     *
     * @param checkpoints folder for checkpoints, kept after the job's end
     * @param scratch folder for what lives as long as the process
     */
    public static Configuration local(
            Path checkpoints, Path scratch, CheckpointTimes times) {
        Configuration c = new Configuration();
        c.setString("execution.checkpointing.dir", CheckedFileSystem.uri(checkpoints).toString());
        c.setString("execution.checkpointing.interval", millis(times.interval()));
        c.setString("execution.checkpointing.timeout", millis(times.timeout()));
        c.setString("execution.checkpointing.externalized-checkpoint-retention",
                "RETAIN_ON_CANCELLATION");
        c.setString("execution.checkpointing.num-retained", "2");
        c.setString("execution.checkpointing.tolerable-failed-checkpoints", "2147483647");
        c.setString("state.backend.type", "hashmap");
        c.setString("execution.buffer-timeout.interval", "1 ms");
        c.setString("pipeline.auto-watermark-interval", "50 ms");
        c.setString("pipeline.generic-types", "false");
        c.setString("restart-strategy.type", "fixed-delay");
        c.setString("restart-strategy.fixed-delay.attempts", "2147483647");
        c.setString("restart-strategy.fixed-delay.delay", "200 ms");
        // Progress is measured through these figures; they must be fresh.
        c.setString("metrics.fetcher.update-interval", "100");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("rest.address", "127.0.0.1");
        c.setString("rest.bind-port", "0");
        // The blob server, too, listens there; by default it would on every address.
        c.setString("jobmanager.bind-host", "127.0.0.1");
        c.setString("taskmanager.bind-host", "127.0.0.1");
        c.setString("io.tmp.dirs", scratch.toString());
        c.setString("process.working-dir", scratch.toString());
        c.setString("web.tmpdir", scratch.toString());
        // Its web interface is there for its figures, not to take other people's jobs.
        c.setString("web.submit.enable", "false");
        c.setString("web.cancel.enable", "false");
        c.setString("taskmanager.memory.managed.size", "16mb");
        c.setString("taskmanager.memory.network.min", "32mb");
        c.setString("taskmanager.memory.network.max", "32mb");
        return c;
    }

    /**
     * The same for a job manager and a task manager in processes of their own, on loopback, and for who submits to them.
     *
     * @param rpcPort where task managers reach the job manager
     * @param restPort where everybody else does
     * @param slots jobs that may run at once
     */
    public static Configuration processes(
            Path checkpoints, Path scratch, CheckpointTimes times, int rpcPort, int restPort,
            int slots) {
        Configuration c = local(checkpoints, scratch, times);
        c.setString("rest.port", Integer.toString(restPort));
        c.setString("rest.bind-port", Integer.toString(restPort));
        c.setString("jobmanager.rpc.address", "127.0.0.1");
        c.setString("jobmanager.rpc.port", Integer.toString(rpcPort));
        c.setString("taskmanager.host", "127.0.0.1");
        c.setString("taskmanager.numberOfTaskSlots", Integer.toString(slots));
        // A task manager that has died is noticed in seconds; one that finds no job manager asks again at once.
        c.setString("heartbeat.interval", "1 s");
        c.setString("heartbeat.timeout", "6 s");
        c.setString("cluster.registration.error-delay", "500 ms");
        c.setString("cluster.registration.initial-timeout", "200 ms");
        c.setString("cluster.registration.max-timeout", "2 s");
        c.setString("slot.request.timeout", "60 s");
        // As long are no figures to be had of any task after a task manager died while it was asked for them; by default 10 min.
        c.setString("web.timeout", "10 s");
        // While everything starts at once on few cores.
        c.setString("pekko.startup-timeout", "60 s");
        c.setString("pekko.ask.timeout", "30 s");
        // Without the scripts that would work these out from one figure.
        c.setString("taskmanager.cpu.cores", "2");
        c.setString("taskmanager.memory.task.heap.size", "384mb");
        c.setString("taskmanager.memory.task.off-heap.size", "64mb");
        c.setString("taskmanager.memory.framework.heap.size", "128mb");
        c.setString("taskmanager.memory.framework.off-heap.size", "128mb");
        c.setString("taskmanager.memory.jvm-metaspace.size", "192mb");
        c.setString("taskmanager.memory.jvm-overhead.min", "64mb");
        c.setString("taskmanager.memory.jvm-overhead.max", "64mb");
        return c;
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + " ms";
    }
}
