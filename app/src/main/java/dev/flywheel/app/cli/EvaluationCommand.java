package dev.flywheel.app.cli;

import dev.flywheel.api.v1.Evaluation;
import dev.flywheel.app.evaluation.EvaluationLine;
import dev.flywheel.app.evaluation.EvaluationTopic;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How well versions foresaw what users did. */
@Command(
        name = "evaluation",
        mixinStandardHelpOptions = true,
        description = "Tells how well versions of a running node foresaw what users did, before they were trained on it: by"
                + " version and window of time.")
public final class EvaluationCommand implements Callable<Integer> {
    private static final int SECONDS_MAX = 31_536_000;

    @Spec private CommandSpec spec;
    @Mixin private BrokerOptions broker = new BrokerOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--adapter", paramLabel = "NAME",
            description = "Only of this adapter.") private @Nullable String adapter;

    @Option(names = "--since", paramLabel = "SECONDS", defaultValue = "600",
            description = "What was told in the last so many seconds. Default: ${DEFAULT-VALUE}.") private int since =
                    600;

    @Option(names = "--follow",
            description = "Goes on, with a line for each window that changes, until it is stopped.") private boolean follow;

    /** One version in one window of one adapter. */
    private record Key(String adapter, long version, long beginsAtMillis) {}

    @Override
    public Integer call() {
        UsageChecks.require(spec, since >= 0 && since <= SECONDS_MAX, "--since", since,
                "0 to " + SECONDS_MAX);
        Map<Key, Evaluation> newest = new HashMap<>();
        try (EvaluationTopic topic = new EvaluationTopic(broker.brokers(), broker.topics())) {
            topic.since(Instant.now().minusSeconds(since), told -> take(told, newest));
            List<EvaluationLine> lines = newest.values()
                    .stream()
                    .map(EvaluationLine::of)
                    .sorted(EvaluationLine.IN_ORDER)
                    .toList();
            output.print(lines, table(lines));
            if (follow) {
                topic.follow(this::tell, () -> !Thread.currentThread().isInterrupted());
            }
        }
        return 0;
    }

    private void take(Evaluation told, Map<Key, Evaluation> newest) {
        if (isMeant(told)) {
            newest.merge(
                    new Key(told.getAdapter(), told.getVersion(), told.getBeginsAtMillis()), told,
                    (one, other) -> other.getRevision() >= one.getRevision() ? other : one);
        }
    }

    private void tell(Evaluation told) {
        if (isMeant(told)) {
            EvaluationLine line = EvaluationLine.of(told);
            output.print(line, line.toString());
        }
    }

    private boolean isMeant(Evaluation told) {
        return adapter == null || adapter.equals(told.getAdapter());
    }

    private String table(List<EvaluationLine> lines) {
        if (lines.isEmpty() && !follow) {
            return "nothing was told in the last %d s".formatted(since);
        }
        return Stream.concat(Stream.of(EvaluationLine.head()),
                lines.stream().map(EvaluationLine::toString))
                .collect(Collectors.joining(System.lineSeparator()));
    }
}
