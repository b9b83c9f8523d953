package dev.flywheel.feedback.attribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Many answers at once, as a topic brings them: of all records 10 % out of order, 5 % twice, 2 % of the answers after their
 * feedback, 1 % of the feedback late. Every figure must come out exact.
 */
class AttributionStreamTest {
    private static final int ANSWERS = 4_000;
    private static final int DISORDER_MILLIS = 2_000;
    private static final long WINDOW_MILLIS = Samples.CLOSED_AT - Samples.SERVED_AT;

    private final List<Arrival> arrivals = new ArrayList<>();
    private final Map<String, Impression> impressions = new HashMap<>();
    private final Map<String, Timeline> timelines = new HashMap<>();
    private int inWindow;
    private int late;
    private int seen;
    private int twice;

    /** A record, when it is read, and its event time. */
    private record Arrival(long readAt, long millis, String id, Object event) {}

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void everyEventInItsWindowIsJoinedOnceAndEveryOtherIsCountedByItsReason(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < ANSWERS; i++) {
            answer(i, random);
        }
        arrivals.sort(Comparator.comparingLong(Arrival::readAt));
        long watermark = Long.MIN_VALUE;
        for (Arrival arrival : arrivals) {
            read(arrival);
            watermark = Math.max(watermark, arrival.millis() - DISORDER_MILLIS);
            for (Timeline timeline : timelines.values()) {
                timeline.time(watermark);
            }
        }
        timelines.values().forEach(timeline -> timeline.time(Long.MAX_VALUE / 2));
        check(seed);
    }

    private void check(long seed) {
        Map<RefusalReason, Integer> refused = new HashMap<>();
        int explicit = 0;
        int ignored = 0;
        for (Timeline timeline : timelines.values()) {
            assertThat(timeline.closed()).as("seed %d", seed).isTrue();
            explicit += (int) timeline.examples.stream()
                    .filter(example -> example.getFeedbackCount() > 0)
                    .count();
            assertThat(timeline.examples.stream()
                    .flatMap(
                            example -> example.getFeedbackList().stream()))
                    .as("seed %d", seed)
                    .doesNotHaveDuplicates();
            assertThat(timeline.examples.stream()
                    .filter(example -> example.getFeedbackCount() == 0)
                    .map(Example::getExampleId)).doesNotHaveDuplicates();
            timeline.refused.values().forEach(reason -> refused.merge(reason, 1, Integer::sum));
            ignored += timeline.ignored;
        }
        assertThat(explicit).as("joined, seed %d", seed).isEqualTo(inWindow).isPositive();
        assertThat(refused).as("seed %d", seed)
                .containsOnly(
                        Map.entry(RefusalReason.REFUSAL_REASON_LATE, late),
                        Map.entry(RefusalReason.REFUSAL_REASON_NO_LABEL, seen));
        assertThat(ignored).as("ignored, seed %d", seed).isEqualTo(twice).isPositive();
    }

    private void read(Arrival arrival) {
        Timeline timeline = timelines.computeIfAbsent(arrival.id(),
                id -> Timeline.open().tokenOf(impressions.get(id)));
        if (arrival.event() instanceof TakenFeedback feedback) {
            timeline.feedback(feedback);
        } else {
            timeline.impression((Impression) arrival.event());
        }
    }

    private void answer(int number, Random random) {
        long servedAt = Samples.SERVED_AT + 10L * number;
        Impression impression = (switch (number % 3) {
            case 0 -> Samples.answer();
            case 1 -> Samples.slate(4, 0);
            default -> Samples.scored();
        }).toBuilder().setImpressionId("imp" + number).setServedAtMillis(servedAt).build();
        impressions.put(impression.getImpressionId(), impression);
        long first = Long.MAX_VALUE;
        for (int i = random.nextInt(3); i > 0; i--) {
            first = Math.min(first, feedback(impression, number + "-" + i, random));
        }
        boolean after = first < Long.MAX_VALUE && random.nextDouble() < 0.04;
        add(after ? first + 1 : disordered(servedAt, random), servedAt,
                impression.getImpressionId(), impression);
    }

    /** Adds an event and returns when it is first read. */
    private long feedback(Impression impression, String id, Random random) {
        boolean tooLate = random.nextDouble() < 0.01;
        long after = tooLate ? WINDOW_MILLIS + random.nextInt(5_000) : random.nextInt(1_500);
        boolean rendered = number(id) % 3 == 1 && random.nextInt(5) == 0;
        TakenFeedback.Builder taken = Samples.taken(id, after, switch (number(id) % 3) {
            case 0 -> Samples.thumb(random.nextBoolean());
            case 1 -> rendered ? Samples.rendered(2) : Samples.click("c" + random.nextInt(4));
            default -> Samples.reward("1", 1);
        }).toBuilder();
        taken.getEventBuilder()
                .setImpressionId(impression.getImpressionId())
                .setReceivedAtMillis(impression.getServedAtMillis() + after);
        long millis = taken.getEvent().getReceivedAtMillis();
        long readAt = disordered(millis, random);
        add(readAt, millis, impression.getImpressionId(), taken.build());
        if (tooLate) {
            late++;
            return readAt;
        }
        seen += rendered ? 1 : 0;
        inWindow += rendered ? 0 : 1;
        if (random.nextDouble() < 0.05) {
            twice++;
            add(readAt + random.nextInt(3_000), millis, impression.getImpressionId(),
                    taken.build());
        }
        return readAt;
    }

    private static int number(String id) {
        return Integer.parseInt(id.substring(0, id.indexOf('-')));
    }

    private static long disordered(long millis, Random random) {
        return random.nextDouble() < 0.1 ? millis + random.nextInt(DISORDER_MILLIS) : millis;
    }

    private void add(long readAt, long millis, String id, Object event) {
        arrivals.add(new Arrival(readAt, millis, id, event));
    }
}
