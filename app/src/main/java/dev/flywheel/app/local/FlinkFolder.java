package dev.flywheel.app.local;

import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.pipelines.FlinkSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What Flink's job manager and task manager, each a process of its own, are run with.
 *
 * @param checkpoints folder of the job's checkpoints
 * @param scratch folder for what need not outlive a process
 * @param rpcPort where task managers reach the job manager
 * @param restPort where everybody else does
 */
public record FlinkFolder(Path checkpoints, Path scratch, int rpcPort, int restPort) {
    /** A second job may be started by mistake, or while an older one is not yet known to be dead. */
    private static final int SLOTS = 3;

    /** Returns Flink's configuration. */
    public Map<String, String> settings(FlywheelConfig.Loop loop) {
        return new TreeMap<>(
                FlinkSettings
                        .processes(checkpoints, scratch, ModuleSettings.checkpoints(loop), rpcPort,
                                restPort,
                                SLOTS)
                        .toMap());
    }

    /** Writes the configuration into a folder as Flink's mains read it, and returns the folder. */
    public Path write(Path folder, FlywheelConfig.Loop loop) throws IOException {
        Files.createDirectories(folder);
        Files.createDirectories(checkpoints);
        Files.createDirectories(scratch);
        String text = settings(loop).entrySet()
                .stream()
                .map(each -> each.getKey() + ": \"" + each.getValue() + "\"\n")
                .collect(Collectors.joining());
        Files.writeString(folder.resolve("config.yaml"), text);
        return folder;
    }
}
