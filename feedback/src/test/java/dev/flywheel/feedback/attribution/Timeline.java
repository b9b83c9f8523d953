package dev.flywheel.feedback.attribution;

import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.token.FeedbackToken;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Runs attribution of one impression as the job does: state between steps, timers fired when event time reaches them. */
final class Timeline {
    private final Attribution attribution;
    private final TreeSet<Long> timers = new TreeSet<>();
    private @Nullable AttributionState state;
    private FeedbackToken token = FeedbackToken.of(Samples.slate(1, 0), Duration.ofHours(24));
    private long now = Long.MIN_VALUE;

    final List<Example> examples = new ArrayList<>();
    final List<Example> evaluated = new ArrayList<>();
    final List<FeedbackKey> refusedKeys = new ArrayList<>();
    final Map<String, RefusalReason> refused = new LinkedHashMap<>();
    final Map<String, String> details = new LinkedHashMap<>();
    final List<String> takenBack = new ArrayList<>();
    final List<FeedbackKey> retractions = new ArrayList<>();
    final List<FeedbackKey> withdrawn = new ArrayList<>();
    int ignored;
    int passedOver;
    final List<LoopItem> items = new ArrayList<>();
    long room = Long.MAX_VALUE;
    boolean memoryIsShort;

    Timeline(Attribution attribution) {
        this.attribution = attribution;
    }

    static Timeline open() {
        return new Timeline(new Attribution(Samples.SETTINGS, Samples.OPEN));
    }

    /** Has the events that follow carry the token of this impression. */
    Timeline tokenOf(Impression impression) {
        token = FeedbackToken.of(impression, Duration.ofHours(24));
        return this;
    }

    Timeline impression(Impression impression) {
        tokenOf(impression);
        apply(attribution.onImpression(state, impression, room));
        return this;
    }

    Timeline feedback(TakenFeedback... events) {
        for (TakenFeedback event : events) {
            apply(attribution.onFeedback(state, event, token, now, room));
        }
        return this;
    }

    Timeline time(long millis) {
        now = millis;
        while (!timers.isEmpty() && timers.first() <= millis) {
            long due = timers.pollFirst();
            if (state != null) {
                apply(attribution.onTime(state, due, memoryIsShort, Patience.NONE));
            }
        }
        return this;
    }

    boolean closed() {
        return state == null;
    }

    /** Whether something is still to happen by itself. */
    boolean sleeps() {
        return !timers.isEmpty();
    }

    /** Bytes of what is remembered. */
    int stateBytes() {
        return state == null ? 0 : state.getSerializedSize();
    }

    int held() {
        return state == null ? 0 : state.getHeldCount();
    }

    private void apply(Step step) {
        state = step.state();
        for (Effect effect : step.effects()) {
            apply(effect);
        }
    }

    private void apply(Effect effect) {
        if (effect instanceof Effect.HandOn handOn) {
            handedOn(handOn.item());
        } else if (effect instanceof Effect.Refuse refuse) {
            refuse(refuse.feedback(), refuse.reason(), refuse.detail());
        } else if (effect instanceof Effect.Ignore) {
            ignored++;
        } else if (effect instanceof Effect.PassOver) {
            passedOver++;
        } else if (effect instanceof Effect.WakeAt wake) {
            timers.add(wake.millis());
        }
    }

    private void refuse(TakenFeedback feedback, RefusalReason reason, String detail) {
        FeedbackKey key = Case.keyOf(feedback);
        refusedKeys.add(key);
        refused.put(key.getFeedbackId(), reason);
        details.put(key.getFeedbackId(), detail);
    }

    private void handedOn(LoopItem item) {
        items.add(item);
        if (item.hasExample()) {
            examples.add(item.getExample().getExample());
        } else if (item.hasEvaluationOnly()) {
            evaluated.add(item.getEvaluationOnly().getExample());
            refuse(item.getEvaluationOnly().getFeedback(),
                    RefusalReason.REFUSAL_REASON_EVALUATION_ONLY, "behind evaluation");
        } else {
            takenBack.add(item.getWithdrawal().getExampleId());
            retractions.add(Case.keyOf(item.getWithdrawal().getRetraction()));
            withdrawn.add(Case.targetOf(item.getWithdrawal().getRetraction().getEvent()));
        }
    }
}
