package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.FeedbackIds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Keeps what is to be called back until it is told to, in whatever order it is told. */
final class ManualHost implements DriverHost {
    private final List<Runnable> pending = new ArrayList<>();
    final Map<FeedbackKey, RefusalReason> refused = new LinkedHashMap<>();
    final List<FeedbackKey> alreadyClaimed = new ArrayList<>();
    RuntimeException failure;

    boolean idle() {
        return pending.isEmpty();
    }

    /** Runs one of what is pending. */
    void step(int which) {
        pending.remove(which % pending.size()).run();
    }

    void runAll() {
        for (int i = 0; !pending.isEmpty(); i++) {
            if (i > 100_000) {
                throw new AssertionError("never comes to rest");
            }
            step(0);
        }
    }

    /** As when the process dies: nothing that was pending will ever be. */
    void forget() {
        pending.clear();
    }

    @Override
    public <T> void when(CompletableFuture<T> future, Consumer<T> done,
            Consumer<CallFailure> failed) {
        future.whenComplete((value, thrown) -> pending.add(() -> {
            if (thrown == null) {
                done.accept(value);
            } else {
                failed.accept(CallFailure.of(thrown));
            }
        }));
    }

    @Override
    public void after(Duration delay, Runnable action) {
        pending.add(action);
    }

    @Override
    public void refuse(TakenFeedback feedback, RefusalReason reason, String detail) {
        refused.put(FeedbackIds.keyOf(feedback.getEvent()), reason);
    }

    @Override
    public void refuse(FeedbackKey key, String impressionId, RefusalReason reason, String detail) {
        refused.put(key, reason);
    }

    @Override
    public void alreadyClaimed(LabelledExample labelled) {
        alreadyClaimed.addAll(labelled.getExample().getFeedbackList());
    }

    @Override
    public void fail(RuntimeException thrown) {
        failure = thrown;
    }
}
