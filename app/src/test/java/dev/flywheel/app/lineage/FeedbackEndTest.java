package dev.flywheel.app.lineage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.RoundFigures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FeedbackEndTest {
    private static final FeedbackKey KEY =
            FeedbackKey.newBuilder().setSource("client").setFeedbackId("f").build();

    @ParameterizedTest
    @CsvSource(textBlock = """
            OPEN,        false, false, pending,     has not ended
            COMMITTED,   false, false, trained,     ''
            COMMITTED,   false, true,  trained,     ''
            COMMITTED,   true,  false, quarantined, none of its examples was trained
            REJECTED,    false, false, quarantined, 'rejected: worse than before'
            ROLLED_BACK, false, false, quarantined, rolled back
            REPLACED,    false, false, pending,     claimed again
            REPLACED,    true,  true,  quarantined, withdrawn
            REPLACED,    true,  false, quarantined, user is forgotten
            """)
    void anEventEndsAsItsManifestDid(String state, boolean quarantined, boolean withdrawn,
            String end, String reason) {
        ManifestRecord manifest = ManifestRecord.newBuilder()
                .setFigures(RoundFigures.newBuilder().setRejectedBecause("worse than before"))
                .build();

        FeedbackEnd found = FeedbackEnd.of(located(state)
                .setQuarantined(quarantined)
                .setWithdrawn(withdrawn)
                .build(), manifest);

        assertThat(found.end()).isEqualTo(end);
        assertThat(found.reason()).contains(reason);
        assertThat(found.reason().isEmpty()).isEqualTo(end.equals("trained"));
    }

    @Test
    void anEventThatCouldNotBeTrainedTellsWhy() {
        ManifestRecord manifest = ManifestRecord.newBuilder()
                .addExamples(ExampleRecord.newBuilder()
                        .addFeedback(KEY.toBuilder().setFeedbackId("another"))
                        .setUntrainable("NO_LABEL: another's"))
                .addExamples(ExampleRecord.newBuilder()
                        .addFeedback(KEY)
                        .setUntrainable("TOO_LONG: 9 tokens"))
                .build();

        FeedbackEnd found = FeedbackEnd.of(located("COMMITTED").setQuarantined(true).build(),
                manifest);

        assertThat(found).isEqualTo(new FeedbackEnd("quarantined", "TOO_LONG: 9 tokens"));
    }

    private static LocatedFeedback.Builder located(String state) {
        return LocatedFeedback.newBuilder()
                .setFeedback(KEY)
                .setState(ManifestState.valueOf("MANIFEST_STATE_" + state));
    }
}
