package dev.flywheel.app.cli;

import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.ClusterFolder;
import dev.flywheel.app.cluster.JobState;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The whole loop, each part in a process of its own. */
@Command(
        name = "cluster",
        mixinStandardHelpOptions = true,
        description = {
            "Starts the loop as separate processes on this machine: broker, Flink's job manager and task manager, store,"
                    + " trainer, serving node. Each is started again when it ends, and the stream job submitted again.",
            "Each logs into log/ under --data. Ctrl-C drains and stops all of them."
        })
public final class ClusterCommand implements Callable<Integer> {
    private static final Duration READY = Duration.ofMinutes(3);

    @Spec private CommandSpec spec;
    @Mixin private LoopOptions loop = new LoopOptions();

    @Option(names = "--data", paramLabel = "DIR",
            description = "Folder for all state, made if it is missing; as up has it. Default: ${DEFAULT-VALUE}, in the"
                    + " current folder.") private Path data =
                            Path.of("data");

    @Option(names = "--state", paramLabel = "STATE", converter = JobStateConverter.class,
            description = "What the stream job begins with: newest (the newest checkpoint) or none. Either trains"
                    + " everything once. Default: newest.") private JobState state =
                            JobState.NEWEST;

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        ClusterFolder folder = folder();
        try (StopHook stop = new StopHook(spec.commandLine().getErr())) {
            Path model = loop.modelFolder().toAbsolutePath();
            Cluster cluster =
                    stop.closing()
                            .add("cluster",
                                    () -> Cluster.start(folder, model, state, Map.of()));
            out.println("starting six processes");
            out.flush();
            cluster.awaitReady(READY);
            out.println("gRPC     127.0.0.1:%d%nKafka    %s%nready; Ctrl-C drains and stops"
                    .formatted(folder.config().server().port(),
                            folder.config().processes().broker()));
            out.flush();
            new CountDownLatch(1).await();
        }
        return 1;
    }

    private ClusterFolder folder() {
        try {
            return ClusterFolder.lay(data, loop.config, loop.overrides(), new SecureRandom());
        } catch (IOException e) {
            throw new UncheckedIOException("data folder " + data + " cannot be written", e);
        }
    }
}
