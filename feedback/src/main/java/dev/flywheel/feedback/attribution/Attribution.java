package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_CAPPED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_LATE;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_ADAPTER;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_CONSENT;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_NO_LABEL;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_RETRACTED;
import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_UNMATCHED;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.token.FeedbackToken;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Joins one impression with its feedback, as a pure state machine.
 *
 * <p>Every event that labels becomes an example at once, and that example follows from the impression and the event alone. What
 * silence says is counted when event time reaches the end of an observation window, from all that was received before it. So any
 * interleaving, duplication and delay of the same events gives the same multiset of examples, withdrawn ones left out, as long as
 * what was received before a window's end arrives before event time has passed that. Two fields tell what was known when an
 * example was handed on and may differ, {@code label_sequence} and {@code corrects}; no id and no loss goes by them.
 *
 * <p>Who says something of an item and then its opposite has both learned from, in whatever order they arrive: the later by its
 * receipt is the correction. What is said of an item again, by any signal of the same loss, has the id of the first, of which
 * the store lets one be claimed: it is trained once, and the others end as duplicates there. That holds also for who goes back to
 * what he said first; to know that from a repetition would take the order of arrival.
 *
 * <p>Whether a signal is late is decided by its event time, never by when it arrived: by its own attribution window once the
 * impression is known, before that by the longest there may be. What came too late, or of an answer of the bare base model, is
 * known by its token: nothing is remembered for its sake. An impression is remembered until nothing that its adapter learns from
 * can come any more, or less where memory is short; how much fits in and how many events are looked at are the only things that
 * go by the order of arrival.
 *
 * <p>Invariant: each distinct event is in exactly one of three places: held in the state, behind what is handed on, refused.
 */
public final class Attribution {
    /** Beyond the limit this part of it is for what is said of answers that are remembered. */
    private static final int FEEDBACK_SHARE = 8;

    /** Up to this part beyond it, the other half, is remembered that an answer came of which nothing else is. */
    private static final int STUBS_SHARE = 16;

    private final AttributionSettings settings;
    private final JoinCheck joinCheck;

    public Attribution(AttributionSettings settings, JoinCheck joinCheck) {
        this.settings = settings;
        this.joinCheck = joinCheck;
    }

    /**
     * Takes an impression; all but the first of one id change nothing.
     *
     * @param room bytes that may still be remembered; below 0 if there are more than may be
     */
    public Step onImpression(@Nullable AttributionState before, Impression impression, long room) {
        Case file = new Case(before);
        if (file.hasImpression() || file.neverTrains()) {
            return Step.unchanged(before, List.of());
        }
        if (impression.getVersion().getAdapter().isEmpty()) {
            // Nothing to remember: the token of whatever is said of it later tells as much.
            file.takeHeld(each -> true).forEach(taken -> file.add(noAdapter(taken)));
            return file.close();
        }
        Terms terms = new Terms(impression, settings);
        if (!joinCheck.consents(impression)) {
            file.takeHeld(each -> true).forEach(taken -> file.add(noConsent(taken)));
            return never(file, impression, terms, REFUSAL_REASON_NO_CONSENT, room);
        }
        if (impression.getSerializedSize() > room) {
            file.takeHeld(each -> true).forEach(taken -> file.add(notRemembered(taken)));
            return never(file, impression, terms, REFUSAL_REASON_CAPPED, room);
        }
        file.setImpression(impression);
        takeWaiting(file, impression, terms);
        wake(file, terms, Long.MIN_VALUE);
        return file.end();
    }

    /** What came before its impression is judged as if it had come after it, what withdraws first. */
    private void takeWaiting(Case file, Impression impression, Terms terms) {
        for (TakenFeedback taken : file.takeHeld(each -> isLate(each, impression, terms))) {
            file.add(late(taken, impression.getServedAtMillis(),
                    terms.windowMillis(taken.getEvent().getSignal().getKindCase())));
        }
        for (TakenFeedback retraction : file.takeHeld(Case::isRetraction)) {
            if (Retractions.waits(file, retraction)) {
                file.hold(retraction);
            }
        }
        for (TakenFeedback taken : file.takeHeld(each -> !Case.isRetraction(each))) {
            judge(file, impression, terms, taken,
                    joinCheck.objection(impression, taken.getEvent()));
        }
    }

    private static boolean isLate(TakenFeedback taken, Impression impression, Terms terms) {
        return taken.getEvent().getReceivedAtMillis() - impression.getServedAtMillis() >= terms
                .windowMillis(taken.getEvent().getSignal().getKindCase());
    }

    private Step never(Case file, Impression impression, Terms terms, RefusalReason why,
            long room) {
        boolean fits = room >= -settings.rememberedBytesMax() / STUBS_SHARE;
        if (!fits || why == REFUSAL_REASON_CAPPED) {
            file.add(new Effect.PassOver(impression.getImpressionId()));
        }
        if (!fits) {
            return file.close();
        }
        file.neverTrain(why, terms.closesAt());
        file.add(new Effect.WakeAt(terms.closesAt()));
        return file.end();
    }

    /**
     * Takes a feedback event of this impression. One that has an end already changes nothing, unless an operator sent it again. One
     * that says it came before the answer counts as if it had come with it: clocks differ, and some are wrong.
     *
     * @param token the event's, which has been found genuine: it knows what is needed of the answer before the impression comes
     * @param nowMillis what event time has reached
     * @param room bytes that may still be remembered; below 0 if there are more than may be
     */
    public Step onFeedback(@Nullable AttributionState before, TakenFeedback arrived,
            FeedbackToken token, long nowMillis, long room) {
        TakenFeedback taken = notBeforeItsAnswer(arrived, token);
        Case file = new Case(before);
        FeedbackKey key = Case.keyOf(taken);
        if (taken.getAgain()) {
            if (file.settled(key).filter(Case::isWithdrawn).isPresent()) {
                return Step.unchanged(before, List.of(new Effect.Refuse(taken,
                        REFUSAL_REASON_RETRACTED, "was withdrawn before it was sent again")));
            }
            // Should it have been trained meanwhile, its claim refuses what it becomes here.
            file.forget(key);
        }
        if (file.knows(key) && !Failpoints.broken("dedup")) {
            return Step.unchanged(before, List.of(new Effect.Ignore(taken)));
        }
        Impression impression = file.impression();
        Terms terms = impression == null ? null : new Terms(impression, settings);
        Optional<Effect> refusal =
                refusalOnArrival(before, file, terms, taken, token, nowMillis);
        if (refusal.isPresent()) {
            // Not settled: the state must not grow with what is refused for its time or its number.
            return Step.unchanged(before, List.of(refusal.get()));
        }
        if (impression == null || terms == null) {
            hold(file, taken); // retractions too: whether they are in time is not known yet
            file.setServedAt(token.servedAt().toEpochMilli());
        } else {
            take(file, impression, terms, taken, token);
        }
        Step step = file.end();
        return fits(before, step, room) ? step
                : Step.unchanged(before, List.of(notRemembered(taken)));
    }

    /** What waits for its answer has to fit in like that; what is said of one that is remembered may take some more. */
    private boolean fits(@Nullable AttributionState before, Step step, long room) {
        long more = sizeOf(step.state()) - sizeOf(before);
        boolean answered = before != null && !before.getImpression().isEmpty();
        long beyond = answered ? settings.rememberedBytesMax() / FEEDBACK_SHARE : 0;
        return more <= 0 || more - beyond <= room;
    }

    private static long sizeOf(@Nullable AttributionState state) {
        return state == null ? 0 : state.getSerializedSize();
    }

    private static TakenFeedback notBeforeItsAnswer(TakenFeedback taken, FeedbackToken token) {
        long servedAt = token.servedAt().toEpochMilli();
        if (taken.getEvent().getReceivedAtMillis() >= servedAt) {
            return taken;
        }
        TakenFeedback.Builder later = taken.toBuilder();
        later.getEventBuilder().setReceivedAtMillis(servedAt);
        return later.build();
    }

    private void take(Case file, Impression impression, Terms terms, TakenFeedback taken,
            FeedbackToken token) {
        List<TakenFeedback> retractions = Case.isRetraction(taken) ? List.of()
                : file.takeRetractionsOf(Case.keyOf(taken));
        if (!retractions.isEmpty()) {
            Retractions.refuse(file, taken, retractions);
        } else if (!Case.isRetraction(taken)) {
            judge(file, impression, terms, taken,
                    joinCheck.objection(impression, taken.getEvent(), token));
        } else if (Retractions.waits(file, taken)) {
            hold(file, taken);
        }
    }

    private Optional<Effect> refusalOnArrival(@Nullable AttributionState before, Case file,
            @Nullable Terms terms, TakenFeedback taken, FeedbackToken token, long nowMillis) {
        long servedAt = token.servedAt().toEpochMilli();
        long windowMillis = terms == null ? settings.longestWindow().toMillis()
                : terms.windowMillis(taken.getEvent().getSignal().getKindCase());
        if (taken.getEvent().getReceivedAtMillis() - servedAt >= windowMillis) {
            return Optional.of(late(taken, servedAt, windowMillis));
        }
        if (token.adapter().isEmpty()) {
            return Optional.of(noAdapter(taken));
        }
        if (file.neverTrains()) {
            return Optional.of(file.whyNever() == REFUSAL_REASON_CAPPED ? notRemembered(taken)
                    : noConsent(taken));
        }
        if (before == null && nowMillis >= servedAt + windowMillis) {
            return Optional.of(new Effect.Refuse(taken, REFUSAL_REASON_LATE,
                    "is of %d ms after the answer but got here out of order, when event time had passed the %d ms that answers are remembered for"
                            .formatted(taken.getEvent().getReceivedAtMillis() - servedAt,
                                    windowMillis)));
        }
        if (file.events() >= settings.eventsPerImpressionMax()) {
            return Optional.of(new Effect.Refuse(taken, REFUSAL_REASON_CAPPED,
                    "impression has %d events already, no more are looked at"
                            .formatted(settings.eventsPerImpressionMax())));
        }
        return heldTooMuch(file, taken);
    }

    private Optional<Effect> heldTooMuch(Case file, TakenFeedback taken) {
        if (file.hasImpression() && !Case.isRetraction(taken)) {
            return Optional.empty();
        }
        long bytes = file.heldBytes() + taken.getSerializedSize();
        return bytes > settings.heldBytesPerImpressionMax()
                ? Optional.of(new Effect.Refuse(taken, REFUSAL_REASON_CAPPED,
                        "%d bytes of events would wait for this impression, at most %d are held"
                                .formatted(bytes, settings.heldBytesPerImpressionMax())))
                : Optional.empty();
    }

    private static Effect late(TakenFeedback taken, long servedAtMillis, long windowMillis) {
        return new Effect.Refuse(taken, REFUSAL_REASON_LATE,
                "%s came %d ms after the answer, allowed are less than %d".formatted(
                        SignalRules.nameOf(taken.getEvent().getSignal().getKindCase()),
                        taken.getEvent().getReceivedAtMillis() - servedAtMillis, windowMillis));
    }

    private static Effect noAdapter(TakenFeedback taken) {
        return new Effect.Refuse(taken, REFUSAL_REASON_NO_ADAPTER,
                "the bare base model answered; ask an adapter to have it learn");
    }

    private static Effect noConsent(TakenFeedback taken) {
        return new Effect.Refuse(taken, REFUSAL_REASON_NO_CONSENT,
                "its answer was given without consent to learn from it; the request's scope.consent gives it");
    }

    private Effect notRemembered(TakenFeedback taken) {
        return new Effect.Refuse(taken, REFUSAL_REASON_CAPPED,
                "it or its answer cannot be remembered: %d bytes are already, raise loop.remembered_bytes_max or shorten attribution windows"
                        .formatted(settings.rememberedBytesMax()));
    }

    /**
     * Tells the machine that event time has reached {@code millis}.
     *
     * @param memoryIsShort whether to remember no longer than the first window lasts
     * @param patience how long feedback waits for its impression beyond the orphan timeout
     */
    public Step onTime(AttributionState before, long millis, boolean memoryIsShort,
            Patience patience) {
        Case file = new Case(before);
        for (TakenFeedback taken : file.takeHeld(each -> orphanEnd(each) <= millis)) {
            long until = file.hasImpression() ? millis : patience.until(taken, millis);
            if (until > millis) {
                file.hold(taken);
                file.add(new Effect.WakeAt(until));
                continue;
            }
            waitedEnough(file, taken);
        }
        if (file.neverTrains()) {
            return file.closesAt() <= millis ? file.close() : file.end();
        }
        Impression impression = file.impression();
        if (impression == null) {
            return file.holdsAnything() ? file.end() : file.close();
        }
        Terms terms = new Terms(impression, settings);
        for (Signal.KindCase signal : Terms.WATCHED) {
            if (terms.watches(signal) && !file.observed(signal)
                    && file.observationEnd(terms, signal) <= millis) {
                file.setObserved(signal);
                new Silence(file, impression, terms, signal).example()
                        .ifPresent(example -> handOn(file, impression, terms,
                                LabelledExample.newBuilder().setExample(example)));
            }
        }
        if ((memoryIsShort ? terms.firstWindowEnd() : terms.closesAt()) > millis) {
            wake(file, terms, millis);
            return file.end();
        }
        for (TakenFeedback taken : file.takeHeld(each -> true)) { // retractions; nothing else waits once it is there
            file.refuse(taken, REFUSAL_REASON_UNMATCHED,
                    "the event it withdraws did not come before the answer's attribution window ended");
        }
        return file.close();
    }

    /** Answers are forgotten when their windows are over: what came then and found none is late, as far as the job's own tell. */
    private void waitedEnough(Case file, TakenFeedback taken) {
        long after = taken.getEvent().getReceivedAtMillis() - file.servedAt();
        long window = settings.signals().windowMillis(taken.getEvent().getSignal().getKindCase());
        if (file.servedAt() > 0 && after >= window) {
            file.refuse(taken, REFUSAL_REASON_LATE,
                    "came %d ms after an answer that is not remembered; without settings of its adapter less than %d are allowed"
                            .formatted(after, window));
            return;
        }
        file.refuse(taken, REFUSAL_REASON_UNMATCHED, "%s did not come within %s".formatted(
                Case.isRetraction(taken) ? "the event it withdraws"
                        : "its impression, or is not remembered any more: it",
                settings.orphanTimeout()));
    }

    /** One timer at a time: the next of what is still to come. */
    private static void wake(Case file, Terms terms, long afterMillis) {
        long next = terms.closesAt();
        if (terms.firstWindowEnd() > afterMillis) {
            next = Math.min(next, terms.firstWindowEnd());
        }
        for (Signal.KindCase signal : Terms.WATCHED) {
            if (terms.watches(signal) && !file.observed(signal)) {
                next = Math.min(next, file.observationEnd(terms, signal));
            }
        }
        file.add(new Effect.WakeAt(next));
    }

    private void hold(Case file, TakenFeedback taken) {
        file.hold(taken);
        file.add(new Effect.WakeAt(orphanEnd(taken)));
    }

    /** Judges an event of an impression that is there. */
    private void judge(Case file, Impression impression, Terms terms, TakenFeedback taken,
            Optional<JoinCheck.Objection> objection) {
        Signal signal = taken.getEvent().getSignal();
        if (objection.isPresent()) {
            // Whoever cannot prove that he was shown it says nothing about it, and breaks no silence.
            file.refuse(taken, objection.get().reason(), objection.get().detail())
                    .clearSignal()
                    .clearItem();
        } else if (signal.hasRendered()
                && impression.getKind() == DecisionKind.DECISION_KIND_RANK) {
            file.see(taken);
            file.refuse(taken, REFUSAL_REASON_NO_LABEL,
                    "rendered tells what was seen; silence is counted by it, nothing is trained on it");
            wake(file, terms, Long.MIN_VALUE);
        } else {
            label(file, impression, terms, taken);
        }
    }

    private static void label(Case file, Impression impression, Terms terms,
            TakenFeedback taken) {
        SignalLabels.Reading reading =
                SignalLabels.read(impression, taken.getEvent().getSignal(), terms.rules());
        if (reading instanceof SignalLabels.Unfit unfit) {
            file.refuse(taken, unfit.reason(), unfit.detail());
            return;
        }
        if (reading instanceof SignalLabels.Evaluated evaluated) {
            evaluate(file, impression, terms, taken, evaluated.label());
            return;
        }
        SignalLabels.Labelled labelled = (SignalLabels.Labelled) reading;
        Case.Standing standing = file.standing(labelled, taken.getEvent(),
                afterSilence(file, impression, terms, taken, labelled));
        Example example = ExampleMaker.explicit(impression, labelled, taken.getEvent(), standing);
        file.settle(taken)
                .setExampleId(example.getExampleId())
                .setItem(labelled.item())
                .setRejectedImpressionId(example.getRejectedImpressionId())
                .setKind(labelled.kind())
                .setLabel(Hashes.brief(labelled.comparable()));
        handOn(file, impression, terms,
                LabelledExample.newBuilder().setExample(example).setFeedback(taken));
    }

    /** Ends behind evaluation: for silence and retractions that is as if it were refused here. */
    private static void evaluate(Case file, Impression impression, Terms terms,
            TakenFeedback taken, SignalLabels.Labelled label) {
        file.settle(taken);
        handOn(file, terms, LoopItems.of(impression)
                .setEvaluationOnly(LabelledExample.newBuilder()
                        .setExample(ExampleMaker.evaluated(impression, label, taken.getEvent()))
                        .setFeedback(taken)));
    }

    /** Whether silence labelled the item before this was received, or has been counted already. */
    private static boolean afterSilence(Case file, Impression impression, Terms terms,
            TakenFeedback taken, SignalLabels.Labelled labelled) {
        for (Signal.KindCase signal : Terms.WATCHED) {
            if (terms.watches(signal) && (file.observed(signal)
                    || file.observationEnd(terms, signal) <= taken.getEvent()
                            .getReceivedAtMillis())) {
                if (new Silence(file, impression, terms, signal).isAbout(labelled.kind(),
                        labelled.item())) {
                    return true;
                }
            }
        }
        return false;
    }

    private static void handOn(Case file, Impression impression, Terms terms,
            LabelledExample.Builder example) {
        handOn(file, terms, LoopItems.of(impression)
                .setExample(example)
                .setRejectedImpressionId(example.getExample().getRejectedImpressionId()));
    }

    private static void handOn(Case file, Terms terms, LoopItem.Builder item) {
        file.add(new Effect.HandOn(item.setAnswerClosesAtMillis(terms.closesAt())
                .setFollows(file.handOn())
                .build()));
    }

    private long orphanEnd(TakenFeedback taken) {
        return taken.getEvent().getReceivedAtMillis() + settings.orphanTimeout().toMillis();
    }
}
