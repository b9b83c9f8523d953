package dev.flywheel.feedback.attribution;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ItemLabel;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.SettledFeedback;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One impression's state while a step works on it, and the effects so far. Lives for one step, used by one thread. */
final class Case {
    private static final Comparator<TakenFeedback> IN_ORDER_RECEIVED =
            Comparator.<TakenFeedback>comparingLong(taken -> taken.getEvent().getReceivedAtMillis())
                    .thenComparing(taken -> taken.getEvent().getSource())
                    .thenComparing(taken -> taken.getEvent().getFeedbackId());

    private final AttributionState.Builder state;
    private final List<Effect> effects = new ArrayList<>();
    private @Nullable Impression impression;

    Case(@Nullable AttributionState before) {
        state = before == null ? AttributionState.newBuilder() : before.toBuilder();
        impression = state.getImpression().isEmpty() ? null : parse(state);
    }

    private static Impression parse(AttributionState.Builder state) {
        try {
            return Impression.parseFrom(state.getImpression());
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(
                    "state holds an impression that was valid when it was put there", e);
        }
    }

    Step end() {
        return new Step(state.build(), effects);
    }

    /** Ends the step with nothing left to know. */
    Step close() {
        return new Step(null, effects);
    }

    void add(Effect effect) {
        effects.add(effect);
    }

    @Nullable
    Impression impression() {
        return impression;
    }

    void setImpression(Impression arrived) {
        impression = arrived;
        state.setImpression(arrived.toByteString());
    }

    boolean chosen() {
        return state.getChosen();
    }

    void setChosen() {
        state.setChosen(true);
    }

    boolean observed() {
        return state.getObserved();
    }

    void setObserved() {
        state.setObserved(true);
    }

    /** Forgets all but why nothing about this impression can be learned. */
    void neverTrain(RefusalReason why, long closesAtMillis) {
        state.clear().setNeverTrains(why).setClosesAtMillis(closesAtMillis);
    }

    boolean neverTrains() {
        return state.getNeverTrains() != RefusalReason.REFUSAL_REASON_UNSPECIFIED;
    }

    long closesAt() {
        return state.getClosesAtMillis();
    }

    /** Bytes of the events that wait. */
    long heldBytes() {
        return state.getHeldList().stream().mapToLong(TakenFeedback::getSerializedSize).sum();
    }

    /** Events that this case has looked at. */
    int events() {
        return state.getHeldCount() + state.getSettledCount();
    }

    boolean knows(FeedbackKey key) {
        return settled(key).isPresent() || held(key).isPresent();
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

    /** Returns the retraction that waits for this event, if there is one. */
    Optional<TakenFeedback> heldRetractionOf(FeedbackKey key) {
        return state.getHeldList()
                .stream()
                .filter(each -> isRetraction(each) && targetOf(each.getEvent()).equals(key))
                .findFirst();
    }

    void release(TakenFeedback taken) {
        takeHeld(each -> keyOf(each).equals(keyOf(taken)));
    }

    /** Removes and returns the held events that match, in the order they were received. */
    List<TakenFeedback> takeHeld(Predicate<TakenFeedback> matches) {
        List<TakenFeedback> taken = new ArrayList<>();
        List<TakenFeedback> left = new ArrayList<>();
        state.getHeldList().forEach(each -> (matches.test(each) ? taken : left).add(each));
        state.clearHeld().addAllHeld(left);
        taken.sort(IN_ORDER_RECEIVED);
        return taken;
    }

    Optional<SettledFeedback> settled(FeedbackKey key) {
        return state.getSettledList()
                .stream()
                .filter(each -> each.getKey().equals(key))
                .findFirst();
    }

    void settle(TakenFeedback taken, String exampleId, String item) {
        state.addSettled(SettledFeedback.newBuilder()
                .setKey(keyOf(taken))
                .setExampleId(exampleId)
                .setItem(item));
    }

    void refuse(TakenFeedback taken, RefusalReason reason, String detail) {
        settle(taken, "", "");
        effects.add(new Effect.Refuse(taken, reason, detail));
    }

    Optional<ItemLabel> label(String item, ExampleKind kind) {
        return state.getLabelsList()
                .stream()
                .filter(each -> each.getItem().equals(item) && each.getKind() == kind)
                .findFirst();
    }

    void setLabel(ItemLabel label) {
        removeLabels(each -> each.getItem().equals(label.getItem())
                && each.getKind() == label.getKind());
        state.addLabels(label);
    }

    /** Forgets an event that has an end, and its label. */
    void forget(FeedbackKey key) {
        removeLabels(each -> each.getFeedback().equals(key));
        List<SettledFeedback> left = state.getSettledList()
                .stream()
                .filter(each -> !each.getKey().equals(key))
                .toList();
        state.clearSettled().addAllSettled(left);
    }

    /** Forgets what an event made of an example: its item is as unlabelled as before, its example is no longer its own. */
    void unlabel(FeedbackKey key) {
        removeLabels(each -> each.getFeedback().equals(key));
        for (int i = 0; i < state.getSettledCount(); i++) {
            if (state.getSettled(i).getKey().equals(key)) {
                state.getSettledBuilder(i).clearExampleId();
            }
        }
    }

    private void removeLabels(Predicate<ItemLabel> matches) {
        List<ItemLabel> left =
                state.getLabelsList().stream().filter(matches.negate()).toList();
        state.clearLabels().addAllLabels(left);
    }

    static FeedbackKey keyOf(TakenFeedback taken) {
        return FeedbackIds.keyOf(taken.getEvent());
    }

    static boolean isRetraction(TakenFeedback taken) {
        return taken.getEvent().getSignal().hasRetract();
    }

    /** Returns the event that a retraction withdraws: of the same source, by its id. */
    static FeedbackKey targetOf(FeedbackEvent retraction) {
        return FeedbackKey.newBuilder()
                .setSource(retraction.getSource())
                .setFeedbackId(retraction.getSignal().getRetract().getFeedbackId())
                .build();
    }
}
