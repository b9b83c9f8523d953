package dev.flywheel.app.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LocatedFeedback;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** P3, as the audit sees it. */
class EventBookTest {
    private final EventBook book = new EventBook(64);
    private long offset;

    @Test
    void eachEventIsCountedWhereItEnded() {
        acknowledge("a", "b", "c", "d", "e");
        book.refused(key("a"), "duplicate");
        book.refused(key("d"), "late");
        book.placed(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "b", "stranger")
                .addQuarantined(key("b"))
                .build());
        book.placed(manifest(ManifestState.MANIFEST_STATE_REJECTED, "c").build());
        book.placed(manifest(ManifestState.MANIFEST_STATE_ABANDONED, "d", "e").build());

        Totals totals = book.totals();

        assertThat(totals.events()).isEqualTo(5);
        assertThat(totals.trained()).isEqualTo(1);
        assertThat(totals.quarantined()).isEqualTo(2);
        assertThat(totals.refused()).isEqualTo(Map.of("late", 1L));
        assertThat(totals.inTwoManifests()).isZero();
        assertThat(book.open()).containsExactly(key("e"));
        assertThat(book.ended()).isEqualTo(4);
    }

    @Test
    void anEventInTwoManifestsIsAFailureThoughTheNumbersAddUp() {
        acknowledge("a", "b");
        book.placed(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "b").build());
        book.placed(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a").build());

        assertThat(book.totals().trained()).isEqualTo(2);
        assertThat(book.totals().inTwoManifests()).isEqualTo(1);
    }

    @Test
    void whatManifestsSayIsWhatTheySaidLast() {
        acknowledge("a", "b");
        book.refused(key("b"), "late");
        book.placed(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "b").build());
        book.forgetPlaces();

        assertThat(book.open()).containsExactly(key("a"));
        assertThat(book.totals().refused()).isEqualTo(Map.of("late", 1L));

        book.placed(manifest(ManifestState.MANIFEST_STATE_REJECTED, "a", "b").build());
        assertThat(book.totals().quarantined()).isEqualTo(2);
        assertThat(book.openCount()).isZero();
    }

    @Test
    void repetitionsAreToldApartFromWhatAnOperatorSendsAgain() {
        acknowledge("a", "a", "b");
        book.refused(key("b"), "no_adapter");
        assertThat(book.openCount()).isEqualTo(1);

        book.acknowledged(key("b"), 0, offset++, true);

        assertThat(book.openCount()).as("its refusal is not its end any more").isEqualTo(2);
        Duplicates duplicates = book.duplicates(book.totals());
        assertThat(duplicates.records()).isEqualTo(4);
        assertThat(duplicates.repeated()).isEqualTo(1);
        assertThat(duplicates.sentAgain()).isEqualTo(1);
        book.placed(manifest(ManifestState.MANIFEST_STATE_COMMITTED, "a", "b").build());
        assertThat(book.totals().trained()).isEqualTo(2);
        assertThat(book.totals().refused()).isEmpty();
    }

    @Test
    void whatHasEndedIsForgottenBeforeWhatHasNotAndStaysCounted() {
        acknowledge("open");
        for (int i = 0; i < 1_000; i++) {
            acknowledge("e" + i);
            if (i % 2 == 0) {
                book.refused(key("e" + i), "late");
            } else {
                book.placed(located("e" + i));
            }
        }

        assertThat(book.open()).containsExactly(key("open"));
        assertThat(book.notFollowed()).isZero();
        assertThat(book.totals().events()).isEqualTo(1_001);
        assertThat(book.totals().trained()).isEqualTo(500);
        assertThat(book.totals().refused()).isEqualTo(Map.of("late", 500L));
        assertThat(book.ended()).isEqualTo(1_000);
    }

    @Test
    void whereAllAreOpenTheOldestAreGivenUpAndCounted() {
        for (int i = 0; i < 1_000; i++) {
            acknowledge("e" + i);
        }

        assertThat(book.openCount()).isLessThanOrEqualTo(64);
        assertThat(book.notFollowed() + book.openCount()).isEqualTo(1_000);
        assertThat(book.crowded()).isTrue();
        assertThat(book.duplicates(book.totals()).repeated()).isZero();
    }

    private void acknowledge(String... ids) {
        Arrays.stream(ids).forEach(id -> book.acknowledged(key(id), 0, offset++, false));
    }

    private static LocatedFeedback located(String id) {
        return LocatedFeedback.newBuilder()
                .setFeedback(key(id))
                .setAdapter("a")
                .setSeq(1)
                .setState(ManifestState.MANIFEST_STATE_COMMITTED)
                .build();
    }

    private static ManifestSummary.Builder manifest(ManifestState state, String... events) {
        return ManifestSummary.newBuilder()
                .setState(state)
                .addAllFeedback(Arrays.stream(events).map(EventBookTest::key).toList());
    }

    private static FeedbackKey key(String id) {
        return FeedbackKey.newBuilder().setSource("s").setFeedbackId(id).build();
    }
}
