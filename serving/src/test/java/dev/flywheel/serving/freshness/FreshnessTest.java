package dev.flywheel.serving.freshness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A version's past is what the test says; its seq is its number, and each was committed at 100 times its number. */
class FreshnessTest {
    private static final String ADAPTER = "news/ranker";

    private final Map<Long, VersionRecord> versions = new HashMap<>();
    private final Map<Long, ManifestRecord> manifests = new HashMap<>();
    private final List<Long> delays = new ArrayList<>();
    private boolean away;
    private long now;
    private final LineageSource store = new LineageSource() {
        @Override
        public Optional<VersionRecord> version(String adapter, long number) {
            return away ? Optional.empty() : Optional.ofNullable(versions.get(number));
        }

        @Override
        public Optional<ManifestRecord> manifest(String adapter, long seq) {
            return away ? Optional.empty() : Optional.ofNullable(manifests.get(seq));
        }
    };
    private final FirstAnswers answers =
            new FirstAnswers(store, () -> Instant.ofEpochMilli(now), delays::add);
    private final NewestEvents newest = new NewestEvents(store);

    @BeforeEach
    void begin() {
        version(0, 0);
    }

    private static ExampleRecord click(long atMillis) {
        return ExampleRecord.newBuilder()
                .setLabelledAtMillis(atMillis)
                .addFeedback(FeedbackKey.newBuilder().setFeedbackId("f" + atMillis))
                .build();
    }

    private static ExampleRecord silence(long atMillis) {
        return ExampleRecord.newBuilder().setLabelledAtMillis(atMillis).build();
    }

    private VersionRef version(long number, long parent, ExampleRecord... examples) {
        VersionRef ref = VersionRef.newBuilder()
                .setAdapter(ADAPTER)
                .setNumber(number)
                .setDigest("d" + number)
                .build();
        versions.put(number, VersionRecord.newBuilder()
                .setRef(ref)
                .setParent(parent)
                .setManifestSeq(number)
                .setCreatedAtMillis(100 * number)
                .build());
        manifests.put(number, ManifestRecord.newBuilder()
                .setSummary(ManifestSummary.newBuilder().setSeq(number))
                .addAllExamples(List.of(examples))
                .build());
        return ref;
    }

    private void answer(VersionRef version, long atMillis) {
        now = atMillis;
        answers.answered(version);
    }

    @Test
    void eachEventIsMeasuredOnceWhenAVersionThatHoldsItFirstAnswers() {
        VersionRef first = version(1, 0, click(50), click(70), silence(60));
        version(2, 1, click(150));
        VersionRef third = version(3, 2, click(250));
        answer(version(0, 0), 10);

        answer(first, 110);
        answer(first, 120);
        answer(third, 330);
        answer(first, 340);
        answers.measure();
        answers.measure();

        assertThat(delays).as("the third's first answer is that of the second too")
                .containsExactly(60L, 40L, 80L, 180L);
    }

    @Test
    void afterARollbackOnlyWhatIsNewIsMeasured() {
        answer(version(0, 0), 10);
        answer(version(1, 0, click(50)), 110);
        answer(version(2, 1, click(150)), 210);
        answer(version(3, 1, click(250)), 310);
        answers.measure();

        assertThat(delays).containsExactly(60L, 60L, 60L);
    }

    @Test
    void whatIsTrainedAgainOrCouldNotBeTrainedIsLeftOut() {
        VersionRef again = version(1, 0, click(50));
        manifests.computeIfPresent(1L, (seq, each) -> each.toBuilder()
                .setSummary(each.getSummary().toBuilder().setReplays(9))
                .build());
        answer(again, 110);
        answer(version(2, 1, click(150).toBuilder().setUntrainable("TOO_LONG").build()), 210);
        answers.measure();

        assertThat(delays).isEmpty();
    }

    @Test
    void versionsThatAreOlderThanThisNodeAreLeftOut() {
        now = 1_000;
        FirstAnswers late =
                new FirstAnswers(store, () -> Instant.ofEpochMilli(now), delays::add);
        version(9, 8, click(850));
        version(11, 10, click(1_050));
        version(10, 9, click(950));

        now = 1_200;
        late.answered(VersionRef.newBuilder().setAdapter(ADAPTER).setNumber(11).build());
        late.measure();

        assertThat(delays).containsExactly(150L, 250L);
    }

    @Test
    void whileTheStoreIsAwayNothingIsLostAndTheTimeOfTheAnswerCounts() {
        away = true;
        answer(version(1, 0, click(50)), 110);
        answers.measure();
        assertThat(delays).isEmpty();

        away = false;
        now = 90_000;
        answers.measure();

        assertThat(delays).containsExactly(60L);
    }

    @Test
    void theNewestEventOfAVersionIsItsLatestLabelAndOfAnUntrainedOneItsCommit() {
        assertThat(newest.of(version(2, 1, click(150), silence(170)))).contains(170L);
        VersionRef bare = version(3, 0);
        assertThat(newest.of(bare)).as("what it was made of is not kept").contains(300L);
    }

    @Test
    void aVersionIsAskedForOnceAndAgainWhereTheStoreWasAway() {
        VersionRef ref = version(2, 1, click(150));
        away = true;
        assertThat(newest.of(ref)).isEmpty();
        away = false;
        assertThat(newest.of(ref)).contains(150L);
        away = true;
        assertThat(newest.of(ref)).contains(150L);

        newest.keep(Set.of());

        assertThat(newest.of(ref)).isEmpty();
    }
}
