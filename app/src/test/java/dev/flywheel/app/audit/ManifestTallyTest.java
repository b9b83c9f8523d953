package dev.flywheel.app.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** P3, as the audit sees it. */
class ManifestTallyTest {
    private final ManifestTally tally =
            new ManifestTally(Set.of(key("a"), key("b"), key("c"), key("d")));

    @Test
    void eachEventIsCountedWhereItEnded() {
        tally.add(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "b", "stranger")
                .addQuarantined(key("b"))
                .build());
        tally.add(manifest(ManifestState.MANIFEST_STATE_REJECTED, "c").build());
        tally.add(manifest(ManifestState.MANIFEST_STATE_ABANDONED, "a", "d").build());
        FeedbackFates fates = tally.fates(Map.of(key("a"), "duplicate", key("d"), "late"), 0);
        assertThat(fates).isEqualTo(
                new FeedbackFates(4, 1, 2, new TreeMap<>(Map.of("late", 1L)), 0, 0));
        assertThat(fates.balanced()).isTrue();
    }

    @Test
    void anEventInTwoManifestsIsAFailureThoughTheNumbersAddUp() {
        tally.add(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "b").build());
        tally.add(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "c", "d").build());
        FeedbackFates fates = tally.fates(Map.of(), 0);
        assertThat(fates.difference()).isZero();
        assertThat(fates.repeated()).isEqualTo(1);
        assertThat(fates.balanced()).isFalse();
    }

    private static ManifestSummary.Builder manifest(ManifestState state, String... events) {
        return ManifestSummary.newBuilder()
                .setState(state)
                .addAllFeedback(Arrays.stream(events).map(ManifestTallyTest::key).toList());
    }

    private static FeedbackKey key(String id) {
        return FeedbackKey.newBuilder().setSource("s").setFeedbackId(id).build();
    }
}
