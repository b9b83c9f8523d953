package dev.flywheel.feedback.attribution;

import static dev.flywheel.feedback.attribution.Samples.CLOSED_AT;
import static dev.flywheel.feedback.attribution.Samples.SERVED_AT;
import static dev.flywheel.feedback.attribution.Samples.taken;
import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whenever the other answer comes, and however often, each preference ends in one place, and is paired the same. */
class PairsPropertyTest {
    private static final int CASES = 500;
    private static final int PREFERENCES = 6;
    private static final long WINDOW_MILLIS = CLOSED_AT - SERVED_AT;

    /** Preferences of which some say the same, some come at the end of the window; of some a withdrawal follows. */
    private static List<LoopItem> items(Random random) {
        List<LoopItem> sent = new ArrayList<>();
        for (int i = 0; i < PREFERENCES; i++) {
            String says = "s" + random.nextInt(3);
            long after =
                    random.nextInt(4) == 0 ? WINDOW_MILLIS - 2 + random.nextInt(4)
                            : random.nextInt(1_000);
            int at = random.nextInt(sent.size() + 1);
            sent.add(at, Preferences.preferred("f" + i, says, after).build());
            if (random.nextInt(3) == 0) {
                sent.add(at + 1 + random.nextInt(sent.size() - at),
                        Preferences.withdrawn("f" + i, says, "r" + i, after + 1));
            }
        }
        return sent;
    }

    private static TakenFeedback feedback(LoopItem item) {
        return item.hasExample() ? item.getExample().getFeedback()
                : item.getWithdrawal().getRetraction();
    }

    private static long millis(LoopItem item) {
        return feedback(item).getEvent().getReceivedAtMillis();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void eachPreferenceEndsOnceWhateverTheOrder(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < CASES; i++) {
            List<LoopItem> sent = items(random);
            PairTimeline timeline = run(sent, random.nextInt(sent.size() + 2), random);
            String which = "seed %d, case %d".formatted(seed, i);
            assertThat(timeline.closed()).as(which).isTrue();
            assertThat(timeline.ends.keySet()).as(which)
                    .containsExactlyInAnyOrderElementsOf(
                            sent.stream().map(item -> Case.keyOf(feedback(item))).toList());
            assertThat(timeline.ends.values()).as(which).containsOnly(1);
            assertThat(timeline.early).as(which).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 6})
    void whatIsInTimeAndNotWithdrawnIsPairedTheSameWheneverTheOtherAnswerComes(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < CASES; i++) {
            List<LoopItem> sent = items(random);
            for (int answerAt = 0; answerAt <= sent.size(); answerAt++) {
                assertThat(keys(run(sent, answerAt, random).kept()))
                        .as("seed %d, case %d, answer at %d", seed, i, answerAt)
                        .containsExactlyInAnyOrderElementsOf(inTime(sent));
            }
        }
    }

    private static List<FeedbackKey> keys(List<Example> examples) {
        return examples.stream().map(each -> each.getFeedback(0)).toList();
    }

    private static List<FeedbackKey> inTime(List<LoopItem> sent) {
        Set<FeedbackKey> withdrawn = new HashSet<>();
        sent.stream()
                .filter(LoopItem::hasWithdrawal)
                .forEach(item -> withdrawn.add(Case.targetOf(feedback(item).getEvent())));
        return sent.stream()
                .filter(item -> item.hasExample() && millis(item) < CLOSED_AT)
                .map(item -> FeedbackIds.keyOf(feedback(item).getEvent()))
                .filter(key -> !withdrawn.contains(key))
                .toList();
    }

    /** Runs items in their order, with the answer before one of them, and again after it at times; at the end beyond all: never. */
    private static PairTimeline run(List<LoopItem> sent, int answerAt, Random random) {
        ComparedAnswer answer = Preferences.compared(Preferences.other());
        PairTimeline timeline = new PairTimeline();
        for (int i = 0; i <= sent.size(); i++) {
            if (i == answerAt || i > answerAt && random.nextInt(4) == 0) {
                timeline.answer(answer);
            }
            if (i < sent.size()) {
                timeline.item(sent.get(i));
                long bound = i < answerAt && answerAt <= sent.size() ? SERVED_AT
                        : sent.subList(i + 1, sent.size())
                                .stream()
                                .mapToLong(PairsPropertyTest::millis)
                                .min()
                                .orElse(CLOSED_AT);
                timeline.time(SERVED_AT + (long) ((bound - SERVED_AT) * random.nextDouble()));
            }
        }
        timeline.time(Long.MAX_VALUE / 2);
        return timeline;
    }

    /** The same from one end to the other: what is said of the preferred answer, attribution, pairs. */
    @ParameterizedTest
    @ValueSource(longs = {7, 8, 9})
    void anyInterleavingDuplicationAndDelayOfBothAnswersAndTheirFeedbackGivesTheSamePairs(
            long seed) {
        Random random = new Random(seed);
        ComparedAnswer other = Preferences.compared(Preferences.other()
                .clearPromptIds()
                .addPromptIds(7));
        for (int i = 0; i < CASES; i++) {
            List<Object> straight = new ArrayList<>(said(random));
            straight.add(0, Samples.answer());
            straight.add(0, other);
            List<Object> mixed = new ArrayList<>(straight);
            Collections.shuffle(mixed, random);
            for (int more = random.nextInt(4); more > 0; more--) {
                mixed.add(random.nextInt(mixed.size()),
                        straight.get(random.nextInt(straight.size())));
            }
            List<Example> examples = ran(straight, random);
            assertThat(ran(mixed, random)).as("seed %d, case %d", seed, i).isEqualTo(examples);
        }
    }

    private static List<TakenFeedback> said(Random random) {
        List<TakenFeedback> events = new ArrayList<>();
        for (int i = 0; i < PREFERENCES; i++) {
            long after = random.nextInt(3) == 0 ? WINDOW_MILLIS - 2 + random.nextInt(4)
                    : random.nextInt(60_000);
            events.add(taken("f" + i, after, Samples.preferredTo(Preferences.OTHER)));
            if (random.nextInt(3) == 0) {
                events.add(taken("r" + i, after + random.nextInt(10), Samples.retract("f" + i)));
            }
        }
        events.sort(Comparator.comparingLong(each -> each.getEvent().getReceivedAtMillis()));
        return events;
    }

    /** Between arrivals event time goes on at random, but never past what has not arrived yet. */
    private static List<Example> ran(List<Object> arrivals, Random random) {
        Timeline attribution = Timeline.open().tokenOf(Samples.answer());
        PairTimeline pairs = new PairTimeline();
        int handedOn = 0;
        for (int i = 0; i <= arrivals.size(); i++) {
            long bound = Long.MAX_VALUE / 2;
            if (i < arrivals.size()) {
                arrive(arrivals.get(i), attribution, pairs);
                bound = arrivals.subList(i + 1, arrivals.size())
                        .stream()
                        .mapToLong(PairsPropertyTest::timeOf)
                        .min()
                        .orElse(CLOSED_AT);
            }
            long now = SERVED_AT + (long) ((bound - SERVED_AT) * random.nextDouble());
            attribution.time(now);
            for (; handedOn < attribution.items.size(); handedOn++) {
                pairs.item(attribution.items.get(handedOn));
            }
            pairs.time(now);
        }
        return pairs.kept()
                .stream()
                .map(each -> each.toBuilder().clearLabelSequence().clearCorrects().build())
                .sorted(Comparator.comparing(each -> each.getFeedback(0).getFeedbackId()))
                .toList();
    }

    private static void arrive(Object arrival, Timeline attribution, PairTimeline pairs) {
        if (arrival instanceof TakenFeedback feedback) {
            attribution.feedback(feedback);
        } else if (arrival instanceof Impression preferred) {
            attribution.impression(preferred);
        } else {
            pairs.answer((ComparedAnswer) arrival);
        }
    }

    private static long timeOf(Object arrival) {
        return arrival instanceof TakenFeedback feedback ? feedback.getEvent().getReceivedAtMillis()
                : SERVED_AT;
    }
}
