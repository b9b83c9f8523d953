package dev.flywheel.feedback.attribution;

import static dev.flywheel.feedback.attribution.Samples.SERVED_AT;
import static dev.flywheel.feedback.attribution.Samples.taken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
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
    private static final int CASES = 4_000;
    private static final long LAST = Long.MAX_VALUE / 2;

    @Test
    void anyInterleavingDuplicationAndDelayGivesTheSameMultisetOfExamples() {
        forEachSeed(random -> {
            Impression impression = RandomEvents.impression(random);
            List<Object> straight =
                    new ArrayList<>(RandomEvents.of(impression, random, 1 + random.nextInt(9)));
            straight.add(0, impression);
            List<Object> mixed = new ArrayList<>(straight);
            Collections.shuffle(mixed, random);
            duplicateSome(mixed, random);
            List<Example> examples = inForce(run(straight, random));
            assertThat(inForce(run(mixed, random))).isEqualTo(examples);
            assertThat(inForce(run(mixed, new Random(random.nextLong())))).isEqualTo(examples);
        });
    }

    @Test
    void everyDistinctEventEndsInExactlyOnePlace() {
        forEachSeed(random -> {
            Impression impression = RandomEvents.impression(random);
            List<TakenFeedback> events = RandomEvents.of(impression, random, random.nextInt(9));
            List<Object> mixed = new ArrayList<>(events);
            if (random.nextInt(4) > 0) {
                mixed.add(impression);
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

    @Test
    void twoContradictingThumbsMakeTheSameExamplesInEitherOrder() {
        TakenFeedback up = taken("up", 5, Samples.thumb(true));
        TakenFeedback down = taken("down", 9, Samples.thumb(false));
        Timeline inOrder = Timeline.open().impression(Samples.answer()).feedback(up, down);
        Timeline reversed = Timeline.open().impression(Samples.answer()).feedback(down, up);
        assertThat(inForce(inOrder)).hasSize(2).isEqualTo(inForce(reversed));
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
        for (Object arrival : arrivals) {
            if (arrival instanceof Impression impression) {
                timeline.tokenOf(impression);
            }
        }
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

    /** What was handed on and not asked back, without the two fields that tell what was known before it. */
    private static List<Example> inForce(Timeline timeline) {
        Set<FeedbackKey> withdrawn = new HashSet<>(timeline.withdrawn);
        return timeline.examples.stream()
                .filter(example -> Collections.disjoint(example.getFeedbackList(), withdrawn))
                .map(example -> example.toBuilder().clearLabelSequence().clearCorrects().build())
                .sorted(Comparator.comparing(Example::getExampleId)
                        .thenComparing(example -> example.getFeedbackList().toString()))
                .toList();
    }
}
