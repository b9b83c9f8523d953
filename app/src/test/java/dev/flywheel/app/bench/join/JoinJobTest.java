package dev.flywheel.app.bench.join;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JoinJobTest {
    private static final long SEED = 11;
    private static final JoinSettings SETTINGS =
            new JoinSettings(StateKind.heap, 4_000, 1, 2, SEED);

    @TempDir static Path folder;
    private static JoinStream stream;
    private static final JoinTally TALLY = new JoinTally(true);

    @BeforeAll
    static void run() throws Exception {
        String secret = TokenKeys.format("k", new byte[32]);
        Path keys = Files.writeString(folder.resolve("keys"), secret);
        stream = JoinScript.stream(SETTINGS, new TokenSigner(TokenKeys.parse(secret)));
        JoinJob.run(0, SETTINGS, stream, keys, folder.resolve("run"), TALLY);
    }

    @Test
    void everyEventOfARunCountsOnce() {
        JoinReport.Check check = JoinCount.check(stream, TALLY);
        assertThat(check.problems()).as("seed %d", SEED).isEmpty();
        assertThat(check.joined()).isEqualTo(stream.joined().size()).isPositive();
        assertThat(stream.refused()).containsOnlyKeys(RefusalReason.REFUSAL_REASON_LATE,
                RefusalReason.REFUSAL_REASON_FORGED, RefusalReason.REFUSAL_REASON_UNMATCHED);
        assertThat(check.silent()).isPositive();
    }

    @Test
    void theSharesOfWhatGoesWrongAreAsTheyAreSaidToBe() {
        double events = stream.events();
        assertThat(stream.reordered() / events).as("seed %d", SEED).isBetween(0.08, 0.12);
        assertThat(stream.repeated() / (double) stream.feedback()).isBetween(0.035, 0.065);
        assertThat(stream.first() / (double) SETTINGS.impressions()).isBetween(0.015, 0.03);
        assertThat(stream.refused().get(RefusalReason.REFUSAL_REASON_LATE)
                / (double) stream.feedback()).isBetween(0.005, 0.015);
    }

    @Test
    void anEventThatNeverCameOutIsFound() {
        Set<FeedbackKey> more = new HashSet<>(stream.joined());
        more.add(FeedbackKey.newBuilder().setSource("s").setFeedbackId("lost").build());
        JoinStream wanted = new JoinStream(stream.partitions(), more, stream.refused(),
                stream.repeated(), stream.feedback(), stream.reordered(), stream.first());
        assertThat(JoinCount.check(wanted, TALLY).problems())
                .contains("1 events neither became an example nor were refused");
    }

    @Test
    void twoRunsOfOneSeedReadTheSame() {
        String secret = TokenKeys.format("k", new byte[32]);
        assertThat(JoinScript.stream(SETTINGS, new TokenSigner(TokenKeys.parse(secret))))
                .isEqualTo(stream);
    }
}
