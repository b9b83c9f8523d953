package dev.flywheel.serving.runner;

import java.util.List;

/**
 * Holds back text that may be the beginning of a stop string, and cuts at the first one that is whole.
 * Never holds more than the longest stop string. Not thread-safe.
 */
final class StopScanner {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    StopScanner(List<String> stops) {
        this.stops = List.copyOf(stops);
    }

    /** Takes a piece of text and returns what is certain to belong to the answer. */
    String push(String piece) {
        if (stopped) {
            return "";
        }
        held.append(piece);
        int first = firstStop();
        if (first >= 0) {
            stopped = true;
            return held.substring(0, first);
        }
        return release(held.length() - heldBack());
    }

    /** Returns what was held back; the text is over. */
    String finish() {
        return stopped ? "" : release(held.length());
    }

    boolean stopped() {
        return stopped;
    }

    private int firstStop() {
        int first = -1;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at >= 0 && (first < 0 || at < first)) {
                first = at;
            }
        }
        return first;
    }

    private int heldBack() {
        int longest = 0;
        for (String stop : stops) {
            for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
                if (stop.startsWith(held.substring(held.length() - n))) {
                    longest = n;
                }
            }
        }
        return longest;
    }

    private String release(int length) {
        String released = held.substring(0, length);
        held.delete(0, length);
        return released;
    }
}
