package dev.flywheel.app.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.app.deadletter.DeadLetters;
import dev.flywheel.app.deadletter.Letter;
import dev.flywheel.app.deadletter.Position;
import java.util.Base64;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** One dead letter, whole. */
@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        description = "Prints one dead letter: why it was refused, where it came from, and what it holds.")
final class DlqShowCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private DlqOptions topic = new DlqOptions();
    @Mixin private OutputOptions output = new OutputOptions();

    @Parameters(paramLabel = "POSITION",
            description = "Where it stands, partition:offset, as list prints it.") private String position;

    /**
     * A letter.
     *
     * @param from where the refused record stands in the feedback topic; empty if that is not known
     * @param original the record's value; base64
     * @param event the value as JSON, if it is a feedback event in protobuf; else empty
     */
    record Shown(
            DlqListCommand.Line letter,
            String from,
            long originalBytes,
            String originalDigest,
            String original,
            String event) {}

    @Override
    public Integer call() {
        Position at = UsageChecks.position(spec, position);
        try (DeadLetters letters = topic.open()) {
            Letter letter = letters.at(at);
            byte[] original = letter.refused().getOriginal().toByteArray();
            Shown shown = new Shown(DlqListCommand.Line.of(letter),
                    letter.from() == null ? "" : letter.from().toString(),
                    letter.refused().getOriginalBytes(), letter.refused().getOriginalDigest(),
                    Base64.getEncoder().encodeToString(original), event(original));
            output.print(shown, text(shown));
            return 0;
        }
    }

    private static String event(byte[] original) {
        try {
            return original.length == 0 ? ""
                    : JsonFormat.printer()
                            .preservingProtoFieldNames()
                            .print(FeedbackEvent.parseFrom(original));
        } catch (InvalidProtocolBufferException e) {
            return "";
        }
    }

    private static String text(Shown shown) {
        return """
                position    %s
                refused     %s by %s: %s
                because     %s
                event       %s/%s on %s
                record      %s, %d bytes, sha256 %s
                %s"""
                .formatted(shown.letter().position(), shown.letter().refusedAt(),
                        shown.letter().stage(), shown.letter().reason(), shown.letter().detail(),
                        shown.letter().source(), shown.letter().feedbackId(),
                        shown.letter().impressionId(),
                        shown.from().isEmpty() ? "not at hand" : shown.from(),
                        shown.originalBytes(), shown.originalDigest(),
                        shown.event().isEmpty() ? shown.original() : shown.event());
    }
}
