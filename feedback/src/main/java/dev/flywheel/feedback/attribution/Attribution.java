package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_DUPLICATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_ADAPTER;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_CONSENT;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_RETRACTED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_SUPERSEDED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_UNMATCHED;

import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ItemLabel;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.SettledFeedback;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Withdrawal;
import dev.flywheel.feedback.token.FeedbackToken;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Joins one impression with its feedback, as a pure state machine.
 *
 * <p>Explicit signals become examples at once. A slate without one by the end of the observation window becomes a provisional
 * negative; a signal after that is a correction of it. Whether a signal is early or late is decided by its event time, never by
 * when it arrived, so every interleaving of the same events gives the same examples with the same ids, as long as what falls
 * into the observation window arrives before event time has passed it. Where two signals disagree about one item, they take
 * effect in the order they arrive: the later one by its receipt corrects, an earlier one that comes after it is superseded.
 * What came too late, or of an answer of the bare base model, is known by its token: nothing is remembered for its sake.
 *
 * <p>Invariant: each distinct event is in exactly one of three places: held in the state, behind an emitted example, refused.
 */
public final class Attribution {
    private final AttributionSettings settings;
    private final JoinCheck joinCheck;

    public Attribution(AttributionSettings settings, JoinCheck joinCheck) {
        this.settings = settings;
        this.joinCheck = joinCheck;
    }

    /** Takes an impression; all but the first of one id change nothing. */
    public Step onImpression(@Nullable AttributionState before, Impression impression) {
        Case file = new Case(before);
        if (file.impression() != null || file.neverTrains()) {
            return file.end();
        }
        if (impression.getVersion().getAdapter().isEmpty()) {
            // Nothing to remember: the token of whatever is said of it later tells as much.
            file.takeHeld(each -> true).forEach(taken -> file.add(noAdapter(taken)));
            return file.close();
        }
        file.add(new Effect.WakeAt(attributionEnd(impression)));
        if (!joinCheck.consents(impression)) {
            file.takeHeld(each -> true).forEach(taken -> file.add(noConsent(taken)));
            file.neverTrain(REFUSAL_REASON_NO_CONSENT, attributionEnd(impression));
            return file.end();
        }
        file.setImpression(impression);
        file.add(new Effect.WakeAt(observationEnd(impression)));
        for (TakenFeedback taken : file.takeHeld(each -> !Case.isRetraction(each))) {
            label(file, impression, taken);
        }
        return file.end();
    }

    /**
     * Takes a feedback event of this impression. One that has an end already changes nothing, unless an operator sent it again.
     *
     * @param token the event's, which has been found genuine: it knows what is needed of the answer before the impression comes
     * @param nowMillis what event time has reached
     */
    public Step onFeedback(@Nullable AttributionState before, TakenFeedback taken,
            FeedbackToken token, long nowMillis) {
        Case file = new Case(before);
        FeedbackKey key = Case.keyOf(taken);
        if (taken.getAgain()) {
            // Should it have been trained meanwhile, its claim refuses what it becomes here.
            file.forget(key);
        }
        if (file.knows(key)) {
            return new Step(before, List.of(new Effect.Ignore(taken)));
        }
        Optional<Effect> refusal = refusalOnArrival(before, file, taken, token, nowMillis);
        if (refusal.isPresent()) {
            // Not settled: the state must not grow with what is refused for its time or its number.
            return new Step(before, List.of(refusal.get()));
        }
        Impression impression = file.impression();
        Optional<TakenFeedback> retraction = file.heldRetractionOf(key);
        if (Case.isRetraction(taken)) {
            retract(file, impression, taken);
        } else if (retraction.isPresent()) {
            file.release(retraction.get());
            refuseBoth(file, taken, retraction.get());
        } else if (impression == null) {
            hold(file, taken);
        } else {
            label(file, impression, taken);
        }
        return file.end();
    }

    private Optional<Effect> refusalOnArrival(@Nullable AttributionState before, Case file,
            TakenFeedback taken, FeedbackToken token, long nowMillis) {
        long afterMillis =
                taken.getEvent().getReceivedAtMillis() - token.servedAt().toEpochMilli();
        long windowMillis = settings.attributionWindow().toMillis();
        if (afterMillis >= windowMillis) {
            return Optional.of(late(taken, "came %d ms after the answer, allowed are less than %d"
                    .formatted(afterMillis, windowMillis)));
        }
        if (token.adapter().isEmpty()) {
            return Optional.of(noAdapter(taken));
        }
        if (file.neverTrains()) {
            return Optional.of(noConsent(taken));
        }
        if (before == null && nowMillis >= token.servedAt().toEpochMilli() + windowMillis) {
            return Optional.of(late(taken,
                    "is of %d ms after the answer but got here out of order, when event time had passed the %d ms that answers are remembered for"
                            .formatted(afterMillis, windowMillis)));
        }
        if (file.events() >= settings.eventsPerImpressionMax()) {
            return Optional.of(new Effect.Refuse(taken, REFUSAL_REASON_CAPPED,
                    "impression has %d events already, no more are looked at"
                            .formatted(settings.eventsPerImpressionMax())));
        }
        return heldTooMuch(file, taken);
    }

    private Optional<Effect> heldTooMuch(Case file, TakenFeedback taken) {
        boolean mayBeHeld = file.impression() == null || Case.isRetraction(taken);
        long bytes = file.heldBytes() + taken.getSerializedSize();
        return mayBeHeld && bytes > settings.heldBytesPerImpressionMax()
                ? Optional.of(new Effect.Refuse(taken, REFUSAL_REASON_CAPPED,
                        "%d bytes of events would wait for this impression, at most %d are held"
                                .formatted(bytes, settings.heldBytesPerImpressionMax())))
                : Optional.empty();
    }

    private static Effect late(TakenFeedback taken, String detail) {
        return new Effect.Refuse(taken, REFUSAL_REASON_LATE, detail);
    }

    private static Effect noAdapter(TakenFeedback taken) {
        return new Effect.Refuse(taken, REFUSAL_REASON_NO_ADAPTER,
                "the bare base model answered; ask an adapter to have it learn");
    }

    private static Effect noConsent(TakenFeedback taken) {
        return new Effect.Refuse(taken, REFUSAL_REASON_NO_CONSENT,
                "its answer was given without consent to learn from it; the request's scope.consent gives it");
    }

    /** Tells the machine that event time has reached {@code millis}. */
    public Step onTime(AttributionState before, long millis) {
        Case file = new Case(before);
        for (TakenFeedback taken : file.takeHeld(each -> orphanEnd(each) <= millis)) {
            file.refuse(taken, REFUSAL_REASON_UNMATCHED, "%s did not come within %s".formatted(
                    Case.isRetraction(taken) ? "the event it withdraws" : "its impression",
                    settings.orphanTimeout()));
        }
        if (file.neverTrains()) {
            return file.closesAt() <= millis ? file.close() : file.end();
        }
        Impression impression = file.impression();
        if (impression == null) {
            return file.holdsAnything() ? file.end() : file.close();
        }
        if (!file.observed() && observationEnd(impression) <= millis) {
            file.setObserved();
            silence(file, impression);
        }
        if (attributionEnd(impression) > millis) {
            return file.end();
        }
        for (TakenFeedback taken : file.takeHeld(each -> true)) { // retractions; nothing else waits once it is there
            file.refuse(taken, REFUSAL_REASON_UNMATCHED,
                    "the event it withdraws did not come before the answer's attribution window ended");
        }
        return file.close();
    }

    private void hold(Case file, TakenFeedback taken) {
        file.hold(taken);
        file.add(new Effect.WakeAt(orphanEnd(taken)));
    }

    private void label(Case file, Impression impression, TakenFeedback taken) {
        Optional<JoinCheck.Objection> objection =
                joinCheck.objection(impression, taken.getEvent());
        if (objection.isPresent()) {
            file.refuse(taken, objection.get().reason(), objection.get().detail());
            return;
        }
        SignalLabels.Reading reading = SignalLabels.read(impression, taken.getEvent().getSignal());
        if (reading instanceof SignalLabels.Unfit unfit) {
            file.refuse(taken, unfit.reason(), unfit.detail());
        } else if (reading instanceof SignalLabels.Labelled labelled) {
            label(file, impression, taken, labelled);
        }
    }

    private void label(
            Case file, Impression impression, TakenFeedback taken, SignalLabels.Labelled labelled) {
        long receivedAt = taken.getEvent().getReceivedAtMillis();
        boolean early = receivedAt < observationEnd(impression);
        if (early) {
            file.setChosen();
        }
        Optional<ItemLabel> before = file.label(labelled.item(), labelled.kind());
        if (before.isPresent() && before.get().getLabel().equals(labelled.comparable())) {
            file.refuse(taken, REFUSAL_REASON_DUPLICATE,
                    "item \"%s\" has this label already".formatted(labelled.item()));
            return;
        }
        if (before.isPresent() && before.get().getReceivedAtMillis() > receivedAt) {
            file.refuse(taken, REFUSAL_REASON_SUPERSEDED,
                    "item \"%s\" was labelled otherwise %d ms later".formatted(labelled.item(),
                            before.get().getReceivedAtMillis() - receivedAt));
            return;
        }
        // Silence may have labelled the slate before: what follows it is its correction.
        boolean afterSilence = hasSilence(impression) && (!early || file.observed());
        int sequence = before.map(label -> label.getSequence() + 1).orElse(afterSilence ? 1 : 0);
        Example example = ExampleMaker.explicit(impression, labelled, sequence, taken.getEvent());
        file.setLabel(ItemLabel.newBuilder()
                .setItem(labelled.item())
                .setKind(labelled.kind())
                .setLabel(labelled.comparable())
                .setSequence(sequence)
                .setReceivedAtMillis(receivedAt)
                .setFeedback(Case.keyOf(taken))
                .build());
        file.settle(taken, example.getExampleId(), labelled.item());
        file.add(new Effect.Emit(
                LabelledExample.newBuilder().setExample(example).setFeedback(taken).build()));
    }

    private void silence(Case file, Impression impression) {
        if (file.chosen() || !hasSilence(impression)) {
            return;
        }
        double rate = settings.negativeSamplingRate();
        List<ShownCandidate> kept = ExampleMaker.judged(impression)
                .stream()
                .filter(each -> Hashes.kept(impression.getImpressionId(), each.getId(), rate))
                .toList();
        if (!kept.isEmpty()) {
            Example example =
                    ExampleMaker.silent(impression, kept, rate, observationEnd(impression));
            file.add(new Effect.Emit(LabelledExample.newBuilder().setExample(example).build()));
        }
    }

    private void retract(Case file, @Nullable Impression impression, TakenFeedback retraction) {
        FeedbackKey target = Case.targetOf(retraction.getEvent());
        Optional<TakenFeedback> held = file.held(target);
        Optional<SettledFeedback> settled = file.settled(target);
        if (held.isPresent()) {
            file.release(held.get());
            refuseBoth(file, held.get(), retraction);
        } else if (settled.isEmpty()) {
            hold(file, retraction);
        } else if (settled.get().getExampleId().isEmpty() || impression == null) {
            file.refuse(retraction, REFUSAL_REASON_RETRACTED,
                    "event %s had been refused or withdrawn already"
                            .formatted(target.getFeedbackId()));
        } else {
            String exampleId = settled.get().getExampleId();
            String adapter = impression.getVersion().getAdapter();
            file.unlabel(target);
            file.settle(retraction, "", "");
            file.add(new Effect.TakeBack(adapter, Withdrawal.newBuilder()
                    .setRetraction(retraction)
                    .setExampleId(exampleId)
                    .build()));
        }
    }

    private static void refuseBoth(Case file, TakenFeedback withdrawn, TakenFeedback retraction) {
        file.refuse(withdrawn, REFUSAL_REASON_RETRACTED,
                "withdrawn by event %s".formatted(retraction.getEvent().getFeedbackId()));
        file.refuse(retraction, REFUSAL_REASON_RETRACTED,
                "withdrew event %s".formatted(withdrawn.getEvent().getFeedbackId()));
    }

    private static boolean hasSilence(Impression impression) {
        return impression.getKind() == DecisionKind.DECISION_KIND_RANK;
    }

    private long observationEnd(Impression impression) {
        return impression.getServedAtMillis() + settings.observationWindow().toMillis();
    }

    private long attributionEnd(Impression impression) {
        return impression.getServedAtMillis() + settings.attributionWindow().toMillis();
    }

    private long orphanEnd(TakenFeedback taken) {
        return taken.getEvent().getReceivedAtMillis() + settings.orphanTimeout().toMillis();
    }
}
