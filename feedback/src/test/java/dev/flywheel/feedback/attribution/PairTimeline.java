package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.PairState;
import dev.flywheel.api.v1.TakenFeedback;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Runs the pairs of one answer as the job does: state between steps, timers fired when event time reaches them. */
final class PairTimeline {
    private final Pairs pairs = new Pairs(Samples.SETTINGS);
    private final TreeSet<Long> timers = new TreeSet<>();
    private @Nullable PairState state;

    /** How often each event was handed on or refused. */
    final Map<FeedbackKey, Integer> ends = new LinkedHashMap<>();

    final List<LoopItem> passed = new ArrayList<>();

    /** Withdrawals that were handed on before what they withdraw had an end. */
    final List<FeedbackKey> early = new ArrayList<>();

    void answer(ComparedAnswer answer) {
        apply(pairs.onAnswer(state, answer));
    }

    void item(LoopItem item) {
        apply(pairs.onItem(state, item));
    }

    void time(long millis) {
        while (!timers.isEmpty() && timers.first() <= millis) {
            long due = timers.pollFirst();
            if (state != null) {
                apply(pairs.onTime(state, due));
            }
        }
    }

    boolean closed() {
        return state == null;
    }

    private void apply(PairStep step) {
        state = step.state();
        for (PairEffect effect : step.effects()) {
            if (effect instanceof PairEffect.Pass pass) {
                pass(pass.item());
            } else if (effect instanceof PairEffect.Refuse refuse) {
                end(refuse.feedback());
            } else if (effect instanceof PairEffect.WakeAt wake) {
                timers.add(wake.millis());
            }
        }
    }

    private void pass(LoopItem item) {
        passed.add(item);
        if (item.hasExample()) {
            end(item.getExample().getFeedback());
            return;
        }
        TakenFeedback retraction = item.getWithdrawal().getRetraction();
        if (!ends.containsKey(Case.targetOf(retraction.getEvent()))) {
            early.add(Case.keyOf(retraction));
        }
        end(retraction);
    }

    private void end(TakenFeedback taken) {
        ends.merge(Case.keyOf(taken), 1, Integer::sum);
    }

    /** What a round driver would be left with: what came and was not withdrawn after. */
    List<Example> kept() {
        List<Example> kept = new ArrayList<>();
        for (LoopItem item : passed) {
            if (item.hasExample()) {
                kept.add(item.getExample().getExample());
            } else {
                FeedbackKey target =
                        Case.targetOf(item.getWithdrawal().getRetraction().getEvent());
                kept.removeIf(each -> each.getExampleId()
                        .equals(item.getWithdrawal().getExampleId())
                        && each.getFeedbackList().contains(target));
            }
        }
        return kept;
    }
}
