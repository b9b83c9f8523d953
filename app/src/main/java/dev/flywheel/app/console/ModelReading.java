package dev.flywheel.app.console;

import dev.flywheel.engine.model.LoadProgress;
import java.io.PrintStream;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Shows how far a model is read, if it is so large that one would wait for it. For one thread. */
public final class ModelReading implements LoadProgress {
    private static final long MEGABYTE = 1_000_000;
    private static final long LARGE_BYTES = 500 * MEGABYTE;

    private final PrintStream out;
    private final boolean terminal;
    private final LongSupplier nanoTime;
    private final long startNanos;
    private @Nullable Progress progress;

    /**
     * Starts now.
     *
     * @param terminal whether {@code out} is a terminal that can be redrawn
     */
    public ModelReading(PrintStream out, boolean terminal, LongSupplier nanoTime) {
        this.out = out;
        this.terminal = terminal;
        this.nanoTime = nanoTime;
        this.startNanos = nanoTime.getAsLong();
    }

    @Override
    public void read(long bytes, long of) {
        if (of < LARGE_BYTES) {
            return;
        }
        Progress shown = progress;
        if (shown == null) {
            shown = new Progress(out, terminal, "MB of the model", of / MEGABYTE, startNanos);
            progress = shown;
        }
        // The last megabyte counts when all of it is read.
        long last = bytes < of ? 1 : 0;
        shown.update(Math.min(bytes / MEGABYTE, of / MEGABYTE - last), "", nanoTime.getAsLong());
    }
}
