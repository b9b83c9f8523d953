package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.ClusterFolder;
import dev.flywheel.app.cluster.Member;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Errors in the members' logs that kills do not explain. */
final class LogScan {
    private static final int SHOWN = 20;
    private static final int LINE = 300;
    /** Time and level; the logger's name follows. */
    private static final String SAID_BY = "^\\S+ (ERROR|FATAL) ";
    private static final Pattern ERROR = Pattern.compile(
            "^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} (ERROR|FATAL) .*|^#  SIG.*|.*OutOfMemoryError.*");

    /** An error that is expected under faults, and why. */
    private record Allowed(String reason, Pattern pattern) {}

    private static final List<Allowed> ALLOWED = List.of(
            new Allowed("a broker that is back finds no leader for a moment",
                    Pattern.compile(".*(NOT_LEADER|LEADER_NOT_AVAILABLE|NotLeaderOrFollower).*")),
            new Allowed("a broker that has just begun is asked before its controller is active",
                    Pattern.compile(".*ControllerApis.*CONTROLLER_REGISTRATION.*")),
            new Allowed("a frozen or starved broker's controller is late",
                    Pattern.compile(".*(EventPerformanceMonitor|slow controller event).*")),
            new Allowed("Flink tells of peers that were killed or frozen",
                    Pattern.compile(
                            SAID_BY + "(\\w*PekkoRpcActor|TaskManagerRunner|\\w*ClusterEntrypoint"
                                    + "|FatalExitExceptionHandler|TaskExecutor|\\w*ResourceManager"
                                    + "|RetryingRegistration|DefaultJobLeaderService|\\w+Handler): .*")),
            new Allowed("a producer or consumer lost its broker",
                    Pattern.compile(SAID_BY + "(NetworkClient|Sender|ProducerBatch|KafkaProducer"
                            + "|ConsumerCoordinator|FetchSessionHandler|AdminMetadataManager): .*")));

    private LogScan() {}

    /**
     * Returns errors that nothing allows, the first of them.
     *
     * @param allowed counts those that are expected, by why
     */
    static List<String> unexpected(ClusterFolder folder, Map<String, Long> allowed)
            throws IOException {
        List<String> found = new ArrayList<>();
        for (Member member : Member.values()) {
            Path log = folder.log(member);
            if (Files.exists(log)) {
                scan(member, log, found, allowed);
            }
        }
        return found.subList(0, Math.min(SHOWN, found.size()));
    }

    private static void scan(Member member, Path log, List<String> found,
            Map<String, Long> allowed) throws IOException {
        String text = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
        text.lines().filter(line -> ERROR.matcher(line).matches()).forEach(line -> {
            Optional<Allowed> why = ALLOWED.stream()
                    .filter(each -> each.pattern().matcher(line).matches())
                    .findFirst();
            if (why.isPresent()) {
                allowed.merge(why.get().reason(), 1L, Long::sum);
            } else {
                found.add(member.label() + ": "
                        + line.substring(0, Math.min(LINE, line.length())));
            }
        });
    }
}
