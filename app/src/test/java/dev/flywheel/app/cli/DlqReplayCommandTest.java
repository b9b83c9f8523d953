package dev.flywheel.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.app.deadletter.Letter;
import dev.flywheel.app.deadletter.Position;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DlqReplayCommandTest {
    private static final Letter UNMATCHED = letter(RefusalReason.REFUSAL_REASON_UNMATCHED);
    private static final Letter RETRACTED = letter(RefusalReason.REFUSAL_REASON_RETRACTED);

    @Test
    void whatWasWithdrawnIsSentAgainOnlyIfItIsNamed() {
        assertThat(command("--all").isWanted(UNMATCHED, Set.of())).isTrue();
        assertThat(command("--all").isWanted(RETRACTED, Set.of())).isFalse();
        assertThat(command("--all", "--reason", "retracted").isWanted(RETRACTED, Set.of()))
                .isTrue();
        assertThat(command("--all").isWanted(RETRACTED, Set.of(RETRACTED.position()))).isTrue();
    }

    private static DlqReplayCommand command(String... args) {
        return CommandLine.populateCommand(new DlqReplayCommand(), args);
    }

    private static Letter letter(RefusalReason reason) {
        return new Letter(new Position(0, reason.getNumber()),
                RefusedFeedback.newBuilder().setReason(reason).build(), "attribution", null);
    }
}
