package dev.flywheel.app.demo;

import java.util.ArrayList;
import java.util.List;

/**
 * The click-through of one arm: the share of its slates that were clicked.
 *
 * <p>Thread-safe. Holds one entry a slate, bounded by the length of a demo.
 */
final class ArmClicks {
    private final List<Slate> slates = new ArrayList<>();

    private record Slate(double atSeconds, boolean clicked) {}

    synchronized void add(double atSeconds, boolean clicked) {
        slates.add(new Slate(atSeconds, clicked));
    }

    synchronized int count() {
        return slates.size();
    }

    /** Returns the click-through from {@code fromSeconds} (inclusive) to {@code toSeconds}; 0 if none was shown. */
    synchronized double rate(double fromSeconds, double toSeconds) {
        long shown = 0;
        long clicked = 0;
        for (Slate slate : slates) {
            if (slate.atSeconds >= fromSeconds && slate.atSeconds < toSeconds) {
                shown++;
                clicked += slate.clicked ? 1 : 0;
            }
        }
        return shown == 0 ? 0 : (double) clicked / shown;
    }

    /** Returns the click-through of the last {@code window} slates; NaN if none was shown. */
    synchronized double recent(int window) {
        List<Slate> last = slates.subList(Math.max(0, slates.size() - window), slates.size());
        return last.isEmpty() ? Double.NaN
                : (double) last.stream().filter(Slate::clicked).count() / last.size();
    }

    /**
     * Returns the first time from {@code fromSeconds} on at which the click-through of the {@code window} slates
     * before it (all of them after {@code fromSeconds}) reached {@code level}; NaN if it never did.
     */
    synchronized double firstReached(double fromSeconds, int window, double level) {
        List<Slate> after =
                slates.stream().filter(slate -> slate.atSeconds >= fromSeconds).toList();
        int clicked = 0;
        for (int i = 0; i < after.size(); i++) {
            clicked += after.get(i).clicked ? 1 : 0;
            clicked -= i >= window && after.get(i - window).clicked ? 1 : 0;
            if (i + 1 >= window && clicked >= level * window) {
                return after.get(i).atSeconds;
            }
        }
        return Double.NaN;
    }
}
