package dev.flywheel.app.cli;

import dev.flywheel.store.rocksdb.CheckProgress;
import java.io.PrintStream;
import java.util.Locale;

/** Says how far a check is: each step as it begins, and every tenth of the log. */
final class CheckSteps implements CheckProgress {
    private static final long PARTS = 10;

    private final PrintStream out;
    private String step = "";
    private long shown;

    CheckSteps(PrintStream out) {
        this.out = out;
    }

    @Override
    public void at(String now, long done, long total) {
        long part = total == 0 ? 0 : done * PARTS / total;
        if (now.equals(step) && part <= shown) {
            return;
        }
        step = now;
        shown = part;
        out.printf(Locale.ROOT, "%s: %,d of %,d%n", now, done, total);
        out.flush();
    }
}
