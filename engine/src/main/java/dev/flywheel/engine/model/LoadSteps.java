package dev.flywheel.engine.model;

/** Counts the bytes of a model that is loaded and tells its listener of every step. Not thread-safe. */
final class LoadSteps {
    private final LoadProgress progress;
    private final long of;
    private final long step;
    private long done;

    LoadSteps(LoadProgress progress, long of) {
        this.progress = progress;
        this.of = of;
        this.step = Math.max(1, of / LoadProgress.STEPS);
    }

    /** Counts bytes that were gone through. */
    void advance(long bytes) {
        long before = done;
        done += bytes;
        if (done / step > before / step || (done == of && before < of)) {
            progress.read(done, of);
        }
    }
}
