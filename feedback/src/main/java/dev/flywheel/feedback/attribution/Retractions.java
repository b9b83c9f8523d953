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
 * Takes back what was said: both events are refused if nothing came of the first yet, else its example is asked for. What the
 * user saw (Rendered) stays seen.
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
            refuseBoth(file, held.get(), List.of(retraction));
            return false;
        }
        Optional<SettledFeedback> settled = file.settled(target);
        settled.ifPresent(withdrawn -> withdraw(file, withdrawn, retraction));
        return settled.isEmpty();
    }

    private static void withdraw(Case file, SettledFeedback withdrawn, TakenFeedback retraction) {
        Impression impression = file.impression();
        file.withdraw(withdrawn.getKey(), retraction.getEvent().getReceivedAtMillis());
        if (withdrawn.getExampleId().isEmpty() || impression == null) {
            file.refuse(retraction, REFUSAL_REASON_RETRACTED,
                    "event %s had been refused or withdrawn already"
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

    /** Refuses an event from which nothing was made, and what withdrew it. */
    static void refuseBoth(Case file, TakenFeedback withdrawn, List<TakenFeedback> retractions) {
        if (withdrawn.getEvent().getSignal().hasRendered()) {
            file.see(withdrawn);
        }
        file.refuse(withdrawn, REFUSAL_REASON_RETRACTED, "withdrawn by event %s"
                .formatted(retractions.get(0).getEvent().getFeedbackId()));
        for (TakenFeedback retraction : retractions) {
            file.withdraw(Case.keyOf(withdrawn), retraction.getEvent().getReceivedAtMillis());
            file.refuse(retraction, REFUSAL_REASON_RETRACTED, "withdrew event %s"
                    .formatted(withdrawn.getEvent().getFeedbackId()));
        }
    }
}
