package dev.flywheel.app.cli;

import dev.flywheel.app.console.Progress;
import dev.flywheel.trainer.lineage.LineageListener;
import org.jspecify.annotations.Nullable;

/** Versions that are trained again, one lineage after another. */
final class LineageProgress implements LineageListener {
    private final OutputOptions output;
    private @Nullable Progress shown;

    LineageProgress(OutputOptions output) {
        this.output = output;
    }

    @Override
    public void trained(long version, long done, long all) {
        Progress progress = shown;
        if (progress == null || done == 1) {
            progress = new Progress(output.progress(), output.watched(), "versions", all,
                    System.nanoTime());
            shown = progress;
        }
        progress.update(done, "version " + version, System.nanoTime());
    }
}
