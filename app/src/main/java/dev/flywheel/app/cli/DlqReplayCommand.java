package dev.flywheel.app.cli;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.app.deadletter.DeadLetters;
import dev.flywheel.app.deadletter.Letter;
import dev.flywheel.app.deadletter.Position;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Refused events, sent again. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        description = {
            "Sends refused events to the feedback topic again, as they came; the job judges them anew. For when what refused them"
                    + " has been put right: an adapter made, a key restored, a limit raised.",
            "Nothing is trained twice: what has been claimed since is refused as a duplicate, what was withdrawn as retracted. The"
                    + " letters stay in their topic.",
            "Exit code 1 if an event could not be sent because neither topic nor letter holds it whole any more."
        })
final class DlqReplayCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private DlqOptions topic = new DlqOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Parameters(arity = "0..*", paramLabel = "POSITION",
            description = "Letters, partition:offset as list prints them.") private List<
                    String> positions = new ArrayList<>();

    @Option(names = "--reason", paramLabel = "REASON",
            description = "All that were refused for this, such as unmatched. May be repeated.") private List<
                    String> reasons = new ArrayList<>();

    @Option(names = "--all",
            description = "All there are but what was withdrawn, which --reason retracted adds.") private boolean all;

    /** What was sent, and the positions of what could not be. */
    record Replayed(int sent, List<String> gone) {}

    @Override
    public Integer call() {
        if (positions.isEmpty() && reasons.isEmpty() && !all) {
            throw new ParameterException(spec.commandLine(),
                    "nothing is chosen; give positions, --reason or --all");
        }
        DlqOptions.requireReasons(spec, reasons);
        Set<Position> chosen = new HashSet<>();
        positions.forEach(position -> chosen.add(UsageChecks.position(spec, position)));
        try (DeadLetters letters = topic.open()) {
            chosen.forEach(letters::at);
            Replayed replayed = replay(letters, chosen);
            output.print(replayed, text(replayed));
            return replayed.gone().isEmpty() ? 0 : 1;
        }
    }

    /** Chooses first and sends then: what is refused again would else be chosen again. */
    private Replayed replay(DeadLetters letters, Set<Position> chosen) {
        List<Letter> wanted = new ArrayList<>();
        var unused = letters.each(letter -> {
            if (isWanted(letter, chosen)) {
                wanted.add(letter);
            }
        });
        List<String> gone = new ArrayList<>();
        for (Letter letter : wanted) {
            if (!letters.sendAgain(letter)) {
                gone.add(letter.position().toString());
            }
        }
        return new Replayed(wanted.size() - gone.size(), gone);
    }

    boolean isWanted(Letter letter, Set<Position> chosen) {
        return all && letter.refused().getReason() != RefusalReason.REFUSAL_REASON_RETRACTED
                || chosen.contains(letter.position())
                || reasons.contains(letter.reason());
    }

    private static String text(Replayed replayed) {
        return "sent %d again%s".formatted(replayed.sent(),
                replayed.gone().isEmpty() ? ""
                        : "; %d are not held whole any more: %s".formatted(
                                replayed.gone().size(), String.join(" ", replayed.gone())));
    }
}
