package dev.flywheel.api.client;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The result of a call; cancelling it cancels the call. */
final class CallFuture<R> extends CompletableFuture<R> {
    private volatile @Nullable Runnable cancelCall;

    void onCancel(Runnable action) {
        cancelCall = action;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        boolean cancelled = super.cancel(mayInterruptIfRunning);
        Runnable action = cancelCall;
        if (cancelled && action != null) {
            action.run();
        }
        return cancelled;
    }
}
