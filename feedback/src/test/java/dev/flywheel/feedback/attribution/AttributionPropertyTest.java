package dev.flywheel.feedback.attribution;

import static dev.flywheel.feedback.attribution.Samples.SERVED_AT;
import static dev.flywheel.feedback.attribution.Samples.click;
import static dev.flywheel.feedback.attribution.Samples.dismiss;
import static dev.flywheel.feedback.attribution.Samples.rating;
import static dev.flywheel.feedback.attribution.Samples.retract;
import static dev.flywheel.feedback.attribution.Samples.reward;
import static dev.flywheel.feedback.attribution.Samples.slate;
import static dev.flywheel.feedback.attribution.Samples.taken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Replay one case with {@code -Dflywheel.seed=N}. */
class AttributionPropertyTest {
    private static final long FIRST_SEED = 20_261_122;
    private static final int CASES = 3_000;
    private static final Impression IMPRESSION = slate(4, 1);
    private static final long LAST = Long.MAX_VALUE / 2;

    @Test
    void anyInterleavingOfImpressionEventsAndDuplicatesGivesTheSameExamples() {
        forEachSeed(random -> {
            List<TakenFeedback> events = events(random, false);
            List<Object> straight = new ArrayList<>(events);
            straight.add(0, IMPRESSION);
            List<Object> mixed = new ArrayList<>(events);
            mixed.add(random.nextInt(mixed.size() + 1), IMPRESSION);
            duplicateSome(mixed, random);
            assertThat(sorted(run(mixed, random).examples))
                    .isEqualTo(sorted(run(straight, random).examples));
        });
    }

    @Test
    void eventsThatDoNotDisagreeMayComeInAnyOrder() {
        forEachSeed(random -> {
            List<Object> straight = new ArrayList<>();
            for (TakenFeedback event : events(random, false)) {
                if (event.getEvent().getSignal().hasClick()) {
                    straight.add(event);
                }
            }
            straight.removeIf(event -> timeOf(event) >= Samples.OBSERVED_AT);
            straight.add(0, IMPRESSION);
            List<Object> mixed = new ArrayList<>(straight);
            Collections.shuffle(mixed, random);
            duplicateSome(mixed, random);
            assertThat(ids(run(mixed, random))).isEqualTo(ids(run(straight, random)));
        });
    }

    @Test
    void everyDistinctEventEndsInExactlyOnePlace() {
        forEachSeed(random -> {
            List<TakenFeedback> events = events(random, true);
            List<Object> mixed = new ArrayList<>(events);
            if (random.nextInt(4) > 0) {
                mixed.add(IMPRESSION);
            }
            Collections.shuffle(mixed, random);
            duplicateSome(mixed, random);
            Timeline timeline = run(mixed, random);
            // An event that is sent again after its case was closed is refused again, by the same key.
            List<FeedbackKey> ends = new ArrayList<>(new HashSet<>(timeline.refusedKeys));
            timeline.examples.forEach(example -> ends.addAll(example.getFeedbackList()));
            ends.addAll(timeline.retractions);
            Set<FeedbackKey> distinct = new HashSet<>();
            events.forEach(event -> distinct.add(FeedbackIds.keyOf(event.getEvent())));
            assertThat(timeline.closed()).isTrue();
            assertThat(ends).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(distinct);
        });
    }

    private interface Property {
        void check(Random random);
    }

    private static void forEachSeed(Property property) {
        Long replayed = Long.getLong("flywheel.seed");
        long from = replayed == null ? FIRST_SEED : replayed;
        for (long seed = from; seed < from + (replayed == null ? CASES : 1); seed++) {
            try {
                property.check(new Random(seed));
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("with -Dflywheel.seed=" + seed + ": " + e.getMessage(), e);
            }
        }
    }

    /** Distinct events in the order they were received. */
    private static List<TakenFeedback> events(Random random, boolean withRetractions) {
        List<TakenFeedback> events = new ArrayList<>();
        int count = random.nextInt(8);
        for (int i = 0; i < count; i++) {
            // Some in the observation window, some after it, some after the attribution window.
            events.add(taken("f" + i, random.nextInt(random.nextBoolean() ? 10_000 : 70_000),
                    signal(random, withRetractions)));
        }
        events.sort(Comparator.comparingLong(AttributionPropertyTest::timeOf));
        return events;
    }

    private static Signal.Builder signal(Random random, boolean withRetractions) {
        String item = "c" + random.nextInt(6); // one is hidden, one does not exist
        return switch (random.nextInt(withRetractions ? 6 : 5)) {
            case 0, 1 -> click(item);
            case 2 -> dismiss(random.nextInt(4) == 0 ? "" : item);
            case 3 -> rating(item, random.nextDouble());
            case 4 -> reward(item, random.nextInt(3) - 1);
            default -> retract("f" + random.nextInt(8));
        };
    }

    private static void duplicateSome(List<Object> arrivals, Random random) {
        for (int i = random.nextInt(4); i > 0 && !arrivals.isEmpty(); i--) {
            int from = random.nextInt(arrivals.size());
            Object again = arrivals.get(from);
            arrivals.add(from + 1 + random.nextInt(arrivals.size() - from), again);
        }
    }

    /** Between arrivals event time goes on at random, but never past what has not arrived yet. */
    private static Timeline run(List<Object> arrivals, Random random) {
        Timeline timeline = Timeline.open();
        for (int i = 0; i < arrivals.size(); i++) {
            if (arrivals.get(i) instanceof TakenFeedback feedback) {
                timeline.feedback(feedback);
            } else {
                timeline.impression((Impression) arrivals.get(i));
            }
            long bound = arrivals.subList(i + 1, arrivals.size())
                    .stream()
                    .mapToLong(AttributionPropertyTest::timeOf)
                    .min()
                    .orElse(Samples.CLOSED_AT);
            timeline.time(SERVED_AT + (long) ((bound - SERVED_AT) * random.nextDouble()));
        }
        return timeline.time(LAST);
    }

    private static long timeOf(Object arrival) {
        return arrival instanceof TakenFeedback feedback ? feedback.getEvent().getReceivedAtMillis()
                : SERVED_AT;
    }

    private static List<Example> sorted(List<Example> examples) {
        return examples.stream().sorted(Comparator.comparing(Example::getExampleId)).toList();
    }

    private static List<String> ids(Timeline timeline) {
        return timeline.examples.stream().map(Example::getExampleId).sorted().toList();
    }
}
