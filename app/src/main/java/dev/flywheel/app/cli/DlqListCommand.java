package dev.flywheel.app.cli;

import dev.flywheel.app.deadletter.DeadLetters;
import dev.flywheel.app.deadletter.Letter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The dead letters that are there. */
@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        description = "Lists dead letters, oldest first, and counts them by reason.")
final class DlqListCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private DlqOptions topic = new DlqOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Option(names = "--reason", paramLabel = "REASON",
            description = "Only those refused for this, such as unmatched. May be repeated.") private List<
                    String> reasons = new ArrayList<>();

    @Option(names = "--limit", paramLabel = "N", defaultValue = "100",
            description = "Lists only the N newest; all are counted. Default: ${DEFAULT-VALUE}.") private int limit =
                    100;

    /** One letter, in short. */
    record Line(
            String position,
            String refusedAt,
            String reason,
            String stage,
            String source,
            String feedbackId,
            String impressionId,
            String detail) {
        static Line of(Letter letter) {
            return new Line(letter.position().toString(), letter.refusedAt().toString(),
                    letter.reason(), letter.stage(), letter.refused().getKey().getSource(),
                    letter.refused().getKey().getFeedbackId(), letter.refused().getImpressionId(),
                    letter.refused().getDetail());
        }

        @Override
        public String toString() {
            return "%-8s %s  %-16s %s/%s  %s".formatted(position, refusedAt, reason, source,
                    feedbackId, detail);
        }
    }

    /**
     * What is listed, and how many there are in all of each reason.
     *
     * @param noLetters records of the topic that are no dead letters
     */
    record Listing(Map<String, Integer> counts, List<Line> letters, int noLetters) {}

    @Override
    public Integer call() {
        UsageChecks.requireAtLeast(spec, "--limit", limit, 0);
        DlqOptions.requireReasons(spec, reasons);
        Map<String, Integer> counts = new TreeMap<>();
        Deque<Line> newest = new ArrayDeque<>();
        int noLetters;
        try (DeadLetters letters = topic.open()) {
            noLetters = letters.each(letter -> {
                if (reasons.isEmpty() || reasons.contains(letter.reason())) {
                    counts.merge(letter.reason(), 1, Integer::sum);
                    newest.addLast(Line.of(letter));
                    if (newest.size() > limit) {
                        newest.removeFirst();
                    }
                }
            });
        }
        Listing listing = new Listing(counts, List.copyOf(newest), noLetters);
        output.print(listing, text(listing));
        return 0;
    }

    private static String text(Listing listing) {
        String lines = listing.letters()
                .stream()
                .map(line -> line + System.lineSeparator())
                .collect(Collectors.joining());
        int all = listing.counts().values().stream().mapToInt(Integer::intValue).sum();
        String others = listing.noLetters() == 0 ? ""
                : "; %d records of the topic are no dead letters".formatted(listing.noLetters());
        String counted = all == 0 ? "no dead letters"
                : "%d in all: %s".formatted(all,
                        listing.counts()
                                .entrySet()
                                .stream()
                                .map(count -> count.getKey() + " " + count.getValue())
                                .collect(Collectors.joining(", ")));
        return lines + counted + others;
    }
}
