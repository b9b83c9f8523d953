package dev.flywheel.feedback.attribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.PairState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whenever the other answer comes, and however often, each preference ends in one place. */
class PairsPropertyTest {
    private static final int CASES = 500;
    private static final int PREFERENCES = 6;

    private final Pairs pairs = new Pairs(Samples.SETTINGS);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void eachPreferenceEndsOnceWhateverTheOrder(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < CASES; i++) {
            List<LoopItem> sent = items(random);
            Run run = new Run();
            int answerAt = random.nextInt(sent.size() + 1);
            ComparedAnswer answer = Preferences.compared(Preferences.other());
            for (int j = 0; j <= sent.size(); j++) {
                if (j == answerAt || j > answerAt && random.nextInt(4) == 0) {
                    run.apply(pairs.onAnswer(run.state, answer));
                }
                if (j < sent.size()) {
                    run.apply(pairs.onItem(run.state, sent.get(j)));
                }
            }
            run.drain();
            String which = "seed %d, case %d".formatted(seed, i);
            assertThat(run.state).as(which).isNull();
            assertThat(run.twice).as(which).isEmpty();
            assertThat(run.ended).as(which).isEqualTo(ids(sent));
            assertThat(run.withdrawalsBeforeTheirs).as(which).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 6})
    void whatIsNotWithdrawnIsPairedTheSameWhenTheOtherAnswerComesInTime(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < CASES; i++) {
            List<LoopItem> sent = items(random);
            Set<LoopItem> first = null;
            for (int answerAt = 0; answerAt <= sent.size(); answerAt++) {
                Run run = new Run();
                for (int j = 0; j <= sent.size(); j++) {
                    if (j == answerAt) {
                        run.apply(pairs.onAnswer(run.state,
                                Preferences.compared(Preferences.other())));
                    }
                    if (j < sent.size()) {
                        run.apply(pairs.onItem(run.state, sent.get(j)));
                    }
                }
                Set<LoopItem> kept = run.keptExamples();
                first = first == null ? kept : first;
                assertThat(kept).as("seed %d, case %d, answer at %d", seed, i, answerAt)
                        .isEqualTo(first);
            }
        }
    }

    private static List<LoopItem> items(Random random) {
        List<LoopItem> sent = new ArrayList<>();
        for (int i = 0; i < PREFERENCES; i++) {
            sent.add(Preferences.preferred("f" + i, random.nextInt(1_000)).build());
        }
        for (int i = 0; i < PREFERENCES; i++) {
            if (random.nextInt(3) == 0) {
                int after = sent.indexOf(find(sent, "f" + i));
                sent.add(after + 1 + random.nextInt(sent.size() - after),
                        Preferences.withdrawn("f" + i, "r" + i, 2_000));
            }
        }
        return sent;
    }

    private static LoopItem find(List<LoopItem> items, String feedbackId) {
        return items.stream().filter(each -> id(each).equals(feedbackId)).findFirst().orElseThrow();
    }

    private static String id(LoopItem item) {
        return item.hasExample() ? item.getExample().getFeedback().getEvent().getFeedbackId()
                : item.getWithdrawal().getRetraction().getEvent().getFeedbackId();
    }

    private static Set<String> ids(List<LoopItem> items) {
        Set<String> ids = new TreeSet<>();
        items.forEach(each -> ids.add(id(each)));
        return ids;
    }

    /** A stage, and where events ended. */
    private final class Run {
        private PairState state;
        private final Set<String> ended = new TreeSet<>();
        private final Set<String> twice = new TreeSet<>();
        private final Set<String> withdrawalsBeforeTheirs = new TreeSet<>();
        private final List<LoopItem> passed = new ArrayList<>();

        void apply(PairStep step) {
            state = step.state();
            for (PairEffect effect : step.effects()) {
                if (effect instanceof PairEffect.Pass pass) {
                    if (pass.item().hasWithdrawal() && !ended.contains(
                            pass.item()
                                    .getWithdrawal()
                                    .getExampleId()
                                    .replace("example-of-", ""))) {
                        withdrawalsBeforeTheirs.add(id(pass.item()));
                    }
                    passed.add(pass.item());
                    end(id(pass.item()));
                } else if (effect instanceof PairEffect.Refuse refuse) {
                    end(refuse.feedback().getEvent().getFeedbackId());
                }
            }
        }

        private void end(String id) {
            if (!ended.add(id)) {
                twice.add(id);
            }
        }

        void drain() {
            if (state != null) {
                apply(pairs.onTime(state, Long.MAX_VALUE));
            }
        }

        /** What a round driver would be left with: what came and was not withdrawn after. */
        Set<LoopItem> keptExamples() {
            Set<LoopItem> kept = new HashSet<>();
            for (LoopItem item : passed) {
                if (item.hasExample()) {
                    kept.add(item);
                } else {
                    kept.removeIf(each -> each.getExample()
                            .getExample()
                            .getExampleId()
                            .equals(item.getWithdrawal().getExampleId()));
                }
            }
            return kept;
        }
    }
}
