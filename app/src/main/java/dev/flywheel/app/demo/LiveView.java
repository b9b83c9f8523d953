package dev.flywheel.app.demo;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;

/**
 * Shows a running demo: a redrawn view on a terminal, a plain line every few seconds elsewhere.
 *
 * <p>Thread-safe; whoever calls {@link #show} decides how often.
 */
public final class LiveView implements AutoCloseable {
    private static final int EVENTS_SHOWN = 5;
    private static final double PLAIN_SECONDS = 5;
    private static final int BAR = 30;

    private final PrintStream out;
    private final boolean terminal;
    private final int columns;
    private final Deque<String> events = new ArrayDeque<>();
    private int linesDrawn;
    private boolean closed;
    private double plainAt = -PLAIN_SECONDS;

    /** The figures of one moment. */
    record Moment(
            double seconds,
            double secondsAll,
            long answers,
            double answersPerSecond,
            long version,
            double learned,
            double frozen,
            double popularity,
            double loopP50,
            double loopP99,
            long failed,
            long mixed,
            boolean drifted) {}

    /**
     * Draws on {@code out}.
     *
     * @param terminal whether it can be redrawn
     * @param columns width of the terminal; lines are cut to less than that
     */
    public LiveView(PrintStream out, boolean terminal, int columns) {
        this.out = out;
        this.terminal = terminal;
        this.columns = columns;
    }

    /** Adds one line to what happened. */
    synchronized void event(String line) {
        if (terminal) {
            events.addLast(line);
            if (events.size() > EVENTS_SHOWN) {
                events.removeFirst();
            }
        } else {
            out.println("  " + line);
            out.flush();
        }
    }

    synchronized void show(Moment moment) {
        if (closed) {
            return;
        }
        if (terminal) {
            draw(moment);
        } else if (moment.seconds - plainAt >= PLAIN_SECONDS) {
            plainAt = moment.seconds;
            out.println(plain(moment));
            out.flush();
        }
    }

    /** Draws no more: what is said from now on stands below the view. */
    @Override
    public synchronized void close() {
        closed = true;
    }

    private static String plain(Moment m) {
        return String.format(
                Locale.ROOT,
                "%3.0f s of %.0f  %,d answers (%.0f/s)  version %d  click-through learned %.2f frozen %.2f popularity %.2f"
                        + "  loop p50 %.2f s p99 %.2f s  failed %d mixed %d%s",
                m.seconds,
                m.secondsAll,
                m.answers,
                m.answersPerSecond,
                m.version,
                m.learned,
                m.frozen,
                m.popularity,
                m.loopP50,
                m.loopP99,
                m.failed,
                m.mixed,
                m.drifted ? "  (tastes have drifted)" : "");
    }

    private void draw(Moment m) {
        List<String> lines = new ArrayList<>();
        lines.add(line("flywheel demo  %s %3.0f/%.0f s%s", bar(m.seconds / m.secondsAll), m.seconds,
                m.secondsAll, m.drifted ? "  tastes have drifted" : ""));
        lines.add(line("answers      %,8d   %6.1f/s   failed %d   mixed %d", m.answers,
                m.answersPerSecond, m.failed, m.mixed));
        lines.add(line("version      %,8d   loop p50 %.2f s  p99 %.2f s", m.version, m.loopP50,
                m.loopP99));
        lines.add("click-through, last 100 slates");
        lines.add(line("  learned    %s %.2f", bar(m.learned), m.learned));
        lines.add(line("  popularity %s %.2f", bar(m.popularity), m.popularity));
        lines.add(line("  frozen     %s %.2f", bar(m.frozen), m.frozen));
        lines.addAll(events);
        StringBuilder frame = new StringBuilder();
        if (linesDrawn > 0) {
            frame.append("\u001b[").append(linesDrawn).append('A');
        }
        lines.forEach(line -> frame.append("\r\u001b[2K").append(cut(line)).append('\n'));
        frame.append("\u001b[J");
        linesDrawn = lines.size();
        out.print(frame);
        out.flush();
    }

    /** A wrapped or steering line would spoil the redraw. */
    private String cut(String line) {
        String plain = line.replaceAll("\\p{Cntrl}", "?");
        return plain.length() < columns ? plain : plain.substring(0, columns - 1);
    }

    private static String line(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static String bar(double share) {
        int filled = (int) Math.round(Math.clamp(share, 0, 1) * BAR);
        return "#".repeat(filled) + ".".repeat(BAR - filled);
    }
}
