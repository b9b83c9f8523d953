package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.app.config.FlywheelConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Says so, once, when the disk of the data folder has become too full to go on safely. */
final class DiskWatch implements AutoCloseable {
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("disk-watch").factory());

    static void open(RoleContext context, DataFolder folder) {
        FlywheelConfig.Data data = context.config().data();
        var unused =
                context.closing()
                        .add("disk watch",
                                () -> new DiskWatch(folder, data.freeMibMin(),
                                        data.checkInterval(), context.end()::complete));
    }

    private DiskWatch(DataFolder data, int freeMibMin, Duration interval, Consumer<String> full) {
        var unused =
                timer.scheduleWithFixedDelay(
                        () -> check(data, freeMibMin, full),
                        interval.toMillis(),
                        interval.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    private void check(DataFolder data, int freeMibMin, Consumer<String> full) {
        try {
            data.requireSpace(freeMibMin);
        } catch (StartException e) {
            timer.shutdown();
            full.accept(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            timer.shutdown();
            full.accept("data folder " + data.root() + " cannot be looked at ("
                    + FileProblem.words(e) + "); see to its disk, then start again");
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
