package dev.flywheel.app.cluster;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** How each member is started: with the class path of this process, as far as it may have it. */
final class MemberCommand {
    /** Flink processes may have no second RocksDB, and broker and Flink need nothing of ours but the job. */
    private static final Pattern NOT_IN_FLINK = Pattern.compile(
            ".*(rocksdbjni|/flywheel-(app|store|engine|trainer|serving)|/(app|store|engine|trainer|serving)/target/).*");

    private static final Path SETSID = Path.of("/usr/bin/setsid");

    private static final Map<Member, String> HEAP = Map.of(
            Member.BROKER, "-Xmx256m",
            Member.JOBMANAGER, "-Xmx256m",
            Member.TASKMANAGER, "-Xmx640m",
            Member.STORE, "-Xmx384m",
            Member.TRAINER, "-Xmx768m",
            Member.SERVING, "-Xmx768m");

    private final ClusterFolder folder;
    private final Path model;
    private final Map<Member, List<String>> flags;
    private final ClassArchive trainerClasses;
    private final List<String> classPath = Arrays.asList(
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                    .split(File.pathSeparator, -1));

    /**
     * Makes the commands.
     *
     * @param flags further flags of the JVM, by member
     */
    MemberCommand(ClusterFolder folder, Path model, Map<Member, List<String>> flags) {
        this.folder = folder;
        this.model = model;
        this.flags = flags;
        this.trainerClasses = ClassArchive.in(folder.root().resolve("cluster"),
                machine(Member.TRAINER));
    }

    /** What the trainer starts faster with, once it is made. */
    ClassArchive trainerClasses() {
        return trainerClasses;
    }

    List<String> of(Member member) {
        return switch (member) {
            case BROKER -> java(member, "kafka.Kafka", folder.settings(member).toString());
            case JOBMANAGER -> java(member,
                    "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
                    "--configDir", folder.settings(member).toString());
            case TASKMANAGER -> java(member,
                    "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                    "--configDir", folder.settings(member).toString());
            case STORE, TRAINER, SERVING -> java(member, "dev.flywheel.app.FlywheelCommand",
                    "run", member.label(), "--config", folder.settings(member).toString(),
                    "--data", folder.data(member).toString(), "--model", model.toString());
        };
    }

    private List<String> java(Member member, String main, String... arguments) {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(SETSID)) {
            // Ctrl-C at a terminal is for the supervisor alone, which stops the others in order.
            command.add(SETSID.toString());
        }
        command.addAll(machine(member));
        if (member == Member.TRAINER) {
            command.addAll(trainerClasses.flags());
        }
        command.addAll(flags.getOrDefault(member, List.of()));
        command.add(main);
        command.addAll(List.of(arguments));
        return command;
    }

    /** The JVM of a member, up to its main class. */
    private List<String> machine(Member member) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:+UseSerialGC", Objects.requireNonNull(HEAP.get(member)),
                "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
                "-Dlog4j2.configurationFile=" + folder.logSettings().toUri(),
                "-Dflywheel.log.traces=full", "-Dai.djl.offline=true"));
        command.addAll(own(member));
        command.addAll(List.of("-cp", classPath(member)));
        return command;
    }

    private static List<String> own(Member member) {
        return switch (member) {
            case BROKER, STORE -> List.of("-XX:TieredStopAtLevel=1");
            case JOBMANAGER -> List.of("-XX:TieredStopAtLevel=1",
                    "--add-opens=java.base/java.util=ALL-UNNAMED");
            case TASKMANAGER -> List.of("-XX:TieredStopAtLevel=1",
                    "-XX:MaxDirectMemorySize=320m",
                    "--add-opens=java.base/java.util=ALL-UNNAMED");
            case TRAINER, SERVING -> List.of("--add-modules=jdk.incubator.vector",
                    "-DDJL_CACHE_DIR=" + System.getProperty("DJL_CACHE_DIR",
                            Path.of(System.getProperty("java.io.tmpdir"), "djl").toString()));
        };
    }

    private String classPath(Member member) {
        boolean flink = member == Member.JOBMANAGER || member == Member.TASKMANAGER;
        return classPath.stream()
                .filter(entry -> !flink || !NOT_IN_FLINK.matcher(entry).matches())
                .collect(Collectors.joining(File.pathSeparator));
    }
}
