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
    private List<String> figures = List.of();
    private int linesDrawn;
    private boolean closed;
    private double plainAt = -PLAIN_SECONDS;

    /**
     * The figures of one moment; what has not been measured yet is NaN.
     *
     * @param seconds since traffic began
     * @param answers since traffic began
     */
    record Moment(
            double seconds,
            double secondsAll,
            long answers,
            long version,
            double learned,
            double frozen,
            double popularity,
            double loopP50,
            double loopP99,
            long failed,
            long mixed,
            boolean drifted) {
        /** Below this time a rate says nothing. */
        private static final double RATED_SECONDS = 0.5;

        double answersPerSecond() {
            return seconds < RATED_SECONDS ? Double.NaN : answers / seconds;
        }
    }

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

    /** Adds one line to what happened; shows it at once, be it before there are figures. */
    public synchronized void event(String line) {
        if (terminal) {
            events.addLast(line);
            if (events.size() > EVENTS_SHOWN) {
                events.removeFirst();
            }
            if (!closed) {
                draw();
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
            figures = figures(moment);
            draw();
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
        return line(
                "%3.0f s of %.0f  %,d answers (%s/s)  version %d  click-through learned %s frozen %s popularity %s"
                        + "  loop p50 %s p99 %s  failed %d mixed %d%s",
                m.seconds,
                m.secondsAll,
                m.answers,
                Figure.of("%.0f", m.answersPerSecond()),
                m.version,
                Figure.of("%.2f", m.learned),
                Figure.of("%.2f", m.frozen),
                Figure.of("%.2f", m.popularity),
                Figure.seconds(m.loopP50),
                Figure.seconds(m.loopP99),
                m.failed,
                m.mixed,
                m.drifted ? "  (tastes have drifted)" : "");
    }

    private static List<String> figures(Moment m) {
        List<String> lines = new ArrayList<>();
        lines.add(line("flywheel demo  %s %3.0f/%.0f s%s", bar(m.seconds / m.secondsAll), m.seconds,
                m.secondsAll, m.drifted ? "  tastes have drifted" : ""));
        lines.add(line("answers      %,8d   %6s/s   failed %d   mixed %d", m.answers,
                Figure.of("%.1f", m.answersPerSecond()), m.failed, m.mixed));
        lines.add(line("version      %,8d   loop p50 %s  p99 %s", m.version,
                Figure.seconds(m.loopP50), Figure.seconds(m.loopP99)));
        lines.add("click-through, last 100 slates");
        lines.add(arm("learned", m.learned));
        lines.add(arm("popularity", m.popularity));
        lines.add(arm("frozen", m.frozen));
        return lines;
    }

    private static String arm(String name, double rate) {
        return line("  %-10s %s %s", name, bar(rate), Figure.of("%.2f", rate));
    }

    private void draw() {
        List<String> lines = new ArrayList<>(figures);
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
        int filled = (int) Math.round(Math.clamp(share, 0, 1) * BAR); // 0 of NaN
        return "#".repeat(filled) + ".".repeat(BAR - filled);
    }
}
