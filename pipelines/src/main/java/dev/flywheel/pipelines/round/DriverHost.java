package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** What the operator does for the rounds of its adapters. All callbacks come on the operator's one thread. */
interface DriverHost {
    /** Calls back once the future is done. */
    <T> void when(CompletableFuture<T> future, Consumer<T> done, Consumer<CallFailure> failed);

    /** Calls back after that long. */
    void after(Duration delay, Runnable action);

    /** Ends an event without an example. */
    void refuse(TakenFeedback feedback, RefusalReason reason, String detail);

    /** Ends the event behind an example; one without an event ends nothing. */
    default void refuse(LabelledExample labelled, RefusalReason reason, String detail) {
        if (labelled.hasFeedback()) {
            refuse(labelled.getFeedback(), reason, detail);
            return;
        }
        for (FeedbackKey key : labelled.getExample().getFeedbackList()) {
            refuse(key, labelled.getExample().getImpressionId(), reason, detail);
        }
    }

    /** Ends an event whose record is not at hand. */
    void refuse(FeedbackKey key, String impressionId, RefusalReason reason, String detail);

    /** Counts an event that turned out to stand in a manifest already: it is trained there. */
    void alreadyClaimed(LabelledExample labelled);

    /** Ends the job with this. */
    void fail(RuntimeException failure);
}
