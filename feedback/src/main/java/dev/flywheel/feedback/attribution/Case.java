package dev.flywheel.feedback.attribution;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.SettledFeedback;
import dev.flywheel.api.v1.Sight;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One impression's state while a step works on it, and the effects so far. Lives for one step, used by one thread. */
final class Case {
    private static final Comparator<TakenFeedback> IN_ORDER_RECEIVED =
            Comparator.<TakenFeedback>comparingLong(taken -> taken.getEvent().getReceivedAtMillis())
                    .thenComparing(taken -> taken.getEvent().getSource())
                    .thenComparing(taken -> taken.getEvent().getFeedbackId());

    private static final Comparator<SettledFeedback> IN_ORDER_SAID =
            Comparator.comparingLong(SettledFeedback::getReceivedAtMillis)
                    .thenComparing(each -> each.getKey().getSource())
                    .thenComparing(each -> each.getKey().getFeedbackId());

    private final AttributionState.Builder state;
    private final List<Effect> effects = new ArrayList<>(4);
    private @Nullable Impression impression;

    /**
     * What had been said of an item before an event, as far as is known.
     *
     * @param sequence how many labels it had, one after the other
     */
    record Standing(int sequence) {
        boolean corrects() {
            return sequence > 0;
        }
    }

    Case(@Nullable AttributionState before) {
        state = before == null ? AttributionState.newBuilder() : before.toBuilder();
    }

    Step end() {
        return Step.to(state.build(), effects);
    }

    /** Ends the step with nothing left to know. */
    Step close() {
        return Step.to(null, effects);
    }

    void add(Effect effect) {
        effects.add(effect);
    }

    boolean hasImpression() {
        return !state.getImpression().isEmpty();
    }

    /** Returns the impression, read once a step and only if asked for; null: it has not come. */
    @Nullable
    Impression impression() {
        if (impression == null && hasImpression()) {
            try {
                impression = Impression.parseFrom(state.getImpression());
            } catch (InvalidProtocolBufferException e) {
                throw new IllegalStateException(
                        "state holds an impression that was valid when it was put there", e);
            }
        }
        return impression;
    }

    void setImpression(Impression arrived) {
        impression = arrived;
        state.setImpression(arrived.toByteString()).clearServedAtMillis();
    }

    /** Remembers when the answer was served that events wait for. */
    void setServedAt(long millis) {
        state.setServedAtMillis(millis);
    }

    /** When the answer was served that events wait for; 0: not known. */
    long servedAt() {
        return state.getServedAtMillis();
    }

    // Silence.

    boolean observed(Signal.KindCase signal) {
        return signal == Signal.KindCase.CLICK ? state.getObserved() : state.getRewardObserved();
    }

    void setObserved(Signal.KindCase signal) {
        if (signal == Signal.KindCase.CLICK) {
            state.setObserved(true);
        } else {
            state.setRewardObserved(true);
        }
    }

    void see(TakenFeedback rendered) {
        state.addSights(Sight.newBuilder()
                .setAtMillis(rendered.getEvent().getReceivedAtMillis())
                .setPlaces(rendered.getEvent().getSignal().getRendered().getPlaces()));
    }

    long observationEnd(Terms terms, Signal.KindCase signal) {
        return terms.observationEnd(signal, state);
    }

    int placesSeen(Terms terms, long beforeMillis) {
        return terms.placesSeen(state, beforeMillis);
    }

    /** Items of which something that breaks a signal's silence had been said at some time; the empty one: the whole slate. */
    Set<String> spoken(Impression shown, Signal.KindCase signal, long atMillis) {
        Set<String> spoken = new HashSet<>();
        for (SettledFeedback each : state.getSettledList()) {
            boolean breaks = signal == Signal.KindCase.CLICK ? each.getSignal() != 0
                    : each.getSignal() == signal.getNumber();
            boolean withdrawn = each.getRetractedAtMillis() > 0
                    && each.getRetractedAtMillis() < atMillis;
            if (breaks && each.getReceivedAtMillis() < atMillis && !withdrawn
                    && (each.getItem().isEmpty()
                            ? each.getSignal() == Signal.KindCase.DISMISS.getNumber()
                            : SignalLabels.isShown(shown, each.getItem()))) {
                spoken.add(each.getItem());
            }
        }
        return spoken;
    }

    /** Remembers that an example is handed on; returns whether one was before. */
    boolean handOn() {
        boolean before = state.getHandedOn();
        state.setHandedOn(true);
        return before;
    }

    // Never.

    /** Forgets all but why nothing about this impression can be learned. */
    void neverTrain(RefusalReason why, long closesAtMillis) {
        state.clear().setNeverTrains(why).setClosesAtMillis(closesAtMillis);
    }

    boolean neverTrains() {
        return state.getNeverTrains() != RefusalReason.REFUSAL_REASON_UNSPECIFIED;
    }

    RefusalReason whyNever() {
        return state.getNeverTrains();
    }

    long closesAt() {
        return state.getClosesAtMillis();
    }

    // What waits.

    /** Bytes of the events that wait. */
    long heldBytes() {
        long bytes = 0;
        for (TakenFeedback each : state.getHeldList()) {
            bytes += each.getSerializedSize();
        }
        return bytes;
    }

    /** Events that this case has looked at. */
    int events() {
        return state.getHeldCount() + state.getSettledCount();
    }

    boolean knows(FeedbackKey key) {
        return state.getSettledList().stream().anyMatch(each -> each.getKey().equals(key))
                || held(key).isPresent();
    }

    void hold(TakenFeedback taken) {
        state.addHeld(taken);
    }

    boolean holdsAnything() {
        return state.getHeldCount() > 0;
    }

    Optional<TakenFeedback> held(FeedbackKey key) {
        return state.getHeldList().stream().filter(each -> keyOf(each).equals(key)).findFirst();
    }

    /** Removes and returns the retractions that wait for this event, in the order they were received. */
    List<TakenFeedback> takeRetractionsOf(FeedbackKey key) {
        return holdsAnything()
                ? takeHeld(each -> isRetraction(each) && targetOf(each.getEvent()).equals(key))
                : List.of();
    }

    void release(TakenFeedback taken) {
        takeHeld(each -> keyOf(each).equals(keyOf(taken)));
    }

    /** Removes and returns the held events that match, in the order they were received. */
    List<TakenFeedback> takeHeld(Predicate<TakenFeedback> matches) {
        if (!holdsAnything()) {
            return List.of();
        }
        List<TakenFeedback> taken = new ArrayList<>();
        List<TakenFeedback> left = new ArrayList<>();
        state.getHeldList().forEach(each -> (matches.test(each) ? taken : left).add(each));
        state.clearHeld().addAllHeld(left);
        taken.sort(IN_ORDER_RECEIVED);
        return taken;
    }

    // What has an end.

    Optional<SettledFeedback> settled(FeedbackKey key) {
        return state.getSettledList()
                .stream()
                .filter(each -> each.getKey().equals(key))
                .findFirst();
    }

    /** Remembers that an event has an end, and what it says of a slate. */
    SettledFeedback.Builder settle(TakenFeedback taken) {
        Signal signal = taken.getEvent().getSignal();
        SettledFeedback.Builder settled = state.addSettledBuilder()
                .setKey(keyOf(taken))
                .setReceivedAtMillis(taken.getEvent().getReceivedAtMillis());
        switch (signal.getKindCase()) {
            case CLICK, DISMISS, RATING, REWARD -> settled
                    .setSignal(signal.getKindCase().getNumber())
                    .setItem(SignalLabels.itemOf(signal));
            case THUMB, CORRECTION, PREFERENCE, RETRACT, RENDERED, KIND_NOT_SET -> {}
        }
        return settled;
    }

    SettledFeedback.Builder refuse(TakenFeedback taken, RefusalReason reason, String detail) {
        effects.add(new Effect.Refuse(taken, reason, detail));
        return settle(taken);
    }

    /** Forgets an event that has an end. */
    void forget(FeedbackKey key) {
        List<SettledFeedback> left = state.getSettledList()
                .stream()
                .filter(each -> !each.getKey().equals(key))
                .toList();
        state.clearSettled().addAllSettled(left);
    }

    /** Remembers when an event was withdrawn; its example, if it became one, is no longer its own. */
    void withdraw(FeedbackKey key, long atMillis) {
        for (int i = 0; i < state.getSettledCount(); i++) {
            SettledFeedback each = state.getSettled(i);
            if (each.getKey().equals(key)) {
                long before = each.getRetractedAtMillis();
                state.getSettledBuilder(i)
                        .clearExampleId()
                        .setRetractedAtMillis(before == 0 ? atMillis : Math.min(before, atMillis));
            }
        }
    }

    /**
     * Returns what an item had been labelled by others before an event.
     *
     * @param silent whether silence labelled it first
     */
    Standing standing(SignalLabels.Labelled labelled, FeedbackEvent event, boolean silent) {
        SettledFeedback mine = SettledFeedback.newBuilder()
                .setKey(FeedbackIds.keyOf(event))
                .setReceivedAtMillis(event.getReceivedAtMillis())
                .setLabel(Hashes.brief(labelled.comparable()))
                .build();
        List<SettledFeedback> said = new ArrayList<>();
        for (SettledFeedback each : state.getSettledList()) {
            if (!each.getExampleId().isEmpty() && each.getKind() == labelled.kind()
                    && each.getItem().equals(labelled.item())
                    && IN_ORDER_SAID.compare(each, mine) < 0) {
                said.add(each);
            }
        }
        said.sort(IN_ORDER_SAID);
        said.add(mine);
        int labels = silent ? 1 : 0;
        for (int i = 0; i < said.size(); i++) {
            boolean same = i > 0 && said.get(i).getLabel().equals(said.get(i - 1).getLabel());
            labels += same ? 0 : 1;
        }
        return new Standing(labels - 1);
    }

    static FeedbackKey keyOf(TakenFeedback taken) {
        return FeedbackIds.keyOf(taken.getEvent());
    }

    static boolean isRetraction(TakenFeedback taken) {
        return taken.getEvent().getSignal().hasRetract();
    }

    static boolean isWithdrawn(SettledFeedback settled) {
        return settled.getRetractedAtMillis() > 0;
    }

    /** Returns the event that a retraction withdraws: of the same source, by its id. */
    static FeedbackKey targetOf(FeedbackEvent retraction) {
        return FeedbackKey.newBuilder()
                .setSource(retraction.getSource())
                .setFeedbackId(retraction.getSignal().getRetract().getFeedbackId())
                .build();
    }
}
