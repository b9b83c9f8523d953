package dev.flywheel.app.bench.join;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.event.ReasonNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Holds what came out of a run against what had to. */
final class JoinCount {
    private JoinCount() {}

    static JoinReport.Check check(JoinStream stream, JoinTally tally) {
        List<String> problems = new ArrayList<>(problems(stream, tally));
        long missing = tally.missing(stream.joined());
        if (missing > 0) {
            problems.add("%d events neither became an example nor were refused".formatted(missing));
        }
        return new JoinReport.Check(tally.joined(), named(tally.refused()), repeated(stream, tally),
                tally.silent(), stream.reordered(), stream.first(), problems);
    }

    /** Returns what the totals alone show to be wrong. */
    static List<String> problems(JoinStream stream, JoinTally tally) {
        List<String> problems = new ArrayList<>();
        if (tally.joined() != stream.joined().size()) {
            problems.add("%d events became examples, %d had to".formatted(tally.joined(),
                    stream.joined().size()));
        }
        if (!tally.refused().equals(stream.refused())) {
            problems.add("refused were %s, it had to be %s".formatted(named(tally.refused()),
                    named(stream.refused())));
        }
        if (repeated(stream, tally) != stream.repeated()) {
            problems.add("%d records of feedback came to nothing, %d were repeated"
                    .formatted(repeated(stream, tally), stream.repeated()));
        }
        if (tally.twice() > 0) {
            problems.add("%d examples or events came out twice".formatted(tally.twice()));
        }
        return problems;
    }

    private static long repeated(JoinStream stream, JoinTally tally) {
        long refused = tally.refused().values().stream().mapToLong(Long::longValue).sum();
        return stream.feedback() - tally.joined() - refused;
    }

    private static Map<String, Long> named(Map<RefusalReason, Long> refused) {
        Map<String, Long> named = new TreeMap<>();
        refused.forEach((reason, count) -> named.put(
                ReasonNames.of(reason), count));
        return named;
    }
}
