package dev.flywheel.app.console;

import java.io.PrintStream;
import java.util.Locale;

/**
 * Progress of long work: a bar with rate and time left on a terminal, a plain line now and then elsewhere.
 *
 * <p>For one thread.
 */
public final class Progress {
    private static final int BAR = 30;
    private static final long TERMINAL_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final PrintStream out;
    private final int columns;
    private final boolean terminal;
    private final String unit;
    private final long total;
    private final long startNanos;
    private long shownNanos;

    /**
     * Starts at {@code nowNanos}.
     *
     * @param terminal whether {@code out} is a terminal that understands carriage returns
     * @param unit what is counted, e.g. {@code ratings}
     */
    public Progress(PrintStream out, boolean terminal, String unit, long total, long nowNanos) {
        this.out = out;
        this.terminal = terminal;
        this.columns = Terminal.columns();
        this.unit = unit;
        this.total = total;
        this.startNanos = nowNanos;
        this.shownNanos = nowNanos;
    }

    /** Shows {@code done} of the total and {@code note}, if it is time to. */
    public void update(long done, String note, long nowNanos) {
        boolean last = done >= total;
        if (!last && nowNanos - shownNanos < (terminal ? TERMINAL_NANOS : PLAIN_NANOS)) {
            return;
        }
        shownNanos = nowNanos;
        String line = line(done, note, (nowNanos - startNanos) / 1e9);
        if (terminal) {
            out.print("\r\u001b[2K" + cut(line) + (last ? "\n" : ""));
        } else {
            out.println(line);
        }
        out.flush();
    }

    private String line(long done, String note, double seconds) {
        double rate = seconds <= 0 ? 0 : done / seconds;
        long left = rate <= 0 ? 0 : Math.round((total - done) / rate);
        String bar = terminal ? bar(done) : "";
        return String.format(
                Locale.ROOT,
                "%s%,d/%,d %s  %.1f/s  %d:%02d left  %s",
                bar,
                done,
                total,
                unit,
                rate,
                left / 60,
                left % 60,
                note);
    }

    /** A wrapped line could not be drawn anew. */
    private String cut(String line) {
        return line.length() < columns ? line : line.substring(0, columns - 1);
    }

    private String bar(long done) {
        int filled = total <= 0 ? BAR : (int) Math.min(BAR, done * BAR / total);
        return "[" + "#".repeat(filled) + "-".repeat(BAR - filled) + "] ";
    }
}
