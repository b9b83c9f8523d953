package dev.flywheel.feedback.attribution;

import static dev.flywheel.api.v1.RefusalReason.REFUSAL_REASON_RETRACTED;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.SettledFeedback;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Withdrawal;
import java.util.List;
import java.util.Optional;

/**
 * Takes back what was said. If nothing came of it yet it is refused, else its example is asked for; in either case the store is
 * told, which alone outlives what is remembered here: whoever reads the event again, after a restart or because an operator
 * sends it, does not train it. What the user saw (Rendered) stays seen.
 */
final class Retractions {
    private Retractions() {}

    /**
     * Takes a retraction of an impression that is there. A retraction is not itself withdrawn.
     *
     * @return whether it has to wait for the event that it withdraws
     */
    static boolean waits(Case file, TakenFeedback retraction) {
        FeedbackKey target = Case.targetOf(retraction.getEvent());
        Optional<TakenFeedback> held =
                file.held(target).filter(each -> !Case.isRetraction(each));
        if (held.isPresent()) {
            file.release(held.get());
            refuse(file, held.get(), List.of(retraction));
            return false;
        }
        Optional<SettledFeedback> settled = file.settled(target);
        settled.ifPresent(withdrawn -> withdraw(file, withdrawn, retraction));
        return settled.isEmpty();
    }

    /** Hands on the first of an event, so that the store hears of it whatever became of that here; the others end. */
    private static void withdraw(Case file, SettledFeedback withdrawn, TakenFeedback retraction) {
        Impression impression = file.impression();
        file.withdraw(withdrawn.getKey(), retraction.getEvent().getReceivedAtMillis());
        if (Case.isWithdrawn(withdrawn) && !retraction.getAgain() || impression == null) {
            file.refuse(retraction, REFUSAL_REASON_RETRACTED,
                    "event %s had been withdrawn already"
                            .formatted(withdrawn.getKey().getFeedbackId()));
            return;
        }
        file.settle(retraction);
        file.add(new Effect.HandOn(LoopItems.of(impression)
                .setRejectedImpressionId(withdrawn.getRejectedImpressionId())
                .setWithdrawal(Withdrawal.newBuilder()
                        .setRetraction(retraction)
                        .setExampleId(withdrawn.getExampleId()))
                .build()));
    }

    /** Refuses an event from which nothing was made, since these withdraw it. */
    static void refuse(Case file, TakenFeedback withdrawn, List<TakenFeedback> retractions) {
        if (withdrawn.getEvent().getSignal().hasRendered()) {
            file.see(withdrawn);
        }
        file.refuse(withdrawn, REFUSAL_REASON_RETRACTED, "withdrawn by event %s"
                .formatted(retractions.get(0).getEvent().getFeedbackId()));
        for (TakenFeedback retraction : retractions) {
            file.settled(Case.keyOf(withdrawn)).ifPresent(each -> withdraw(file, each, retraction));
        }
    }
}
