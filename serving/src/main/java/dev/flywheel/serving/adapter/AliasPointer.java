package dev.flywheel.serving.adapter;

import dev.flywheel.serving.error.ServingException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One alias of one adapter on this node: the version that the store wants there and the one that answers.
 *
 * <p>The two differ while the wanted version is loaded, and for as long as it cannot be: the old one goes
 * on answering. {@code current} is written by the loading thread alone; requests read it without a lock.
 */
final class AliasPointer {
    private final String adapter;
    private final String alias;
    private volatile long desired;
    private volatile @Nullable Resident current;
    private volatile @Nullable ServingException refusal;
    private @Nullable CompletableFuture<Resident> bringing;
    private boolean demanded;

    AliasPointer(String adapter, String alias, long desired) {
        this.adapter = adapter;
        this.alias = alias;
        this.desired = desired;
    }

    String adapter() {
        return adapter;
    }

    String alias() {
        return alias;
    }

    long desired() {
        return desired;
    }

    void desire(long number) {
        if (number != desired) {
            desired = number;
            refusal = null;
        }
    }

    @Nullable
    Resident current() {
        return current;
    }

    /** Makes a version the one that answers: the flip. */
    void flip(Resident next) {
        current = next;
        refusal = null;
    }

    /** Notes why the wanted version does not answer. */
    void refuse(ServingException why) {
        refusal = why;
    }

    @Nullable
    ServingException refusal() {
        return refusal;
    }

    boolean points(VersionKey key) {
        Resident now = current;
        return adapter.equals(key.adapter())
                && (desired == key.number() || (now != null && now.key().equals(key)));
    }

    /**
     * Begins bringing the wanted version, or joins what has begun.
     *
     * @param demand whether a request waits for it
     * @param start runs if nothing had begun
     */
    CompletableFuture<Resident> bring(boolean demand, Runnable start) {
        CompletableFuture<Resident> begun;
        synchronized (this) {
            demanded |= demand;
            if (bringing != null) {
                return bringing;
            }
            begun = new CompletableFuture<>();
            bringing = begun;
        }
        start.run();
        return begun;
    }

    /**
     * What {@link #bring} began.
     *
     * @param demanded whether a request waits for it
     */
    record Bringing(CompletableFuture<Resident> coming, boolean demanded) {}

    /** Ends what {@link #bring} began, so that nobody joins it any more; the next event or request begins anew. */
    synchronized @Nullable Bringing end() {
        CompletableFuture<Resident> ended = bringing;
        boolean waitedFor = demanded;
        bringing = null;
        demanded = false;
        return ended == null ? null : new Bringing(ended, waitedFor);
    }
}
