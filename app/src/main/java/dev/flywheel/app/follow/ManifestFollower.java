package dev.flywheel.app.follow;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells of each ended manifest of one adapter, once, in order.
 *
 * <p>One virtual thread asks the registry every 100 ms. A round ends before the next is claimed, so a manifest that is still
 * open is the last one; it is asked for again. Closing ends the thread and says if the registry could not be asked at the
 * end.
 */
public final class ManifestFollower implements AutoCloseable {
    private static final long PAUSE_NANOS = 100_000_000;

    private final StoreClient store;
    private final String adapter;
    private final Consumer<ManifestSummary> ended;
    private final AtomicLong versions = new AtomicLong();
    private final AtomicLong newest = new AtomicLong();
    private final Thread thread;
    private long seqEnded;
    private volatile boolean closing;
    private volatile @Nullable StatusRuntimeException failure;

    /** Starts at the adapter's first manifest; {@code ended} runs on the follower's thread. */
    public ManifestFollower(StoreClient store, String adapter, Consumer<ManifestSummary> ended) {
        this.store = store;
        this.adapter = adapter;
        this.ended = ended;
        this.thread = Thread.ofVirtual().name("follow-" + adapter).start(this::follow);
    }

    private void follow() {
        while (!closing) {
            look();
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        look();
    }

    private void look() {
        try {
            store.listManifests(adapter, seqEnded, this::seen);
            failure = null;
        } catch (StatusRuntimeException e) {
            failure = e;
        }
    }

    private void seen(ManifestSummary manifest) {
        if (manifest.getState() == ManifestState.MANIFEST_STATE_OPEN
                || manifest.getSeq() <= seqEnded) {
            return;
        }
        seqEnded = manifest.getSeq();
        if (manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
            versions.incrementAndGet();
            newest.set(manifest.getVersion());
        }
        ended.accept(manifest);
    }

    /** Returns how many versions have been committed. */
    public long versions() {
        return versions.get();
    }

    /** Returns the newest version's number, 0 before the first. */
    public long newest() {
        return newest.get();
    }

    @Override
    public void close() throws InterruptedException {
        closing = true;
        LockSupport.unpark(thread);
        thread.join();
        StatusRuntimeException last = failure;
        if (last != null) {
            throw new IllegalStateException(
                    "the registry could not be asked for the manifests of " + adapter, last);
        }
    }
}
