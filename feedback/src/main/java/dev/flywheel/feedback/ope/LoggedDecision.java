package dev.flywheel.feedback.ope;

import java.util.List;

/**
 * A slate as it was served.
 *
 * @param places from the first; at least one
 */
public record LoggedDecision(List<LoggedPlace> places) {
    public LoggedDecision {
        places = List.copyOf(places);
        if (places.isEmpty()) {
            throw new IllegalArgumentException("a decision has no place, it needs one at least");
        }
    }

    /** Returns a decision for one place. */
    public static LoggedDecision of(LoggedPlace place) {
        return new LoggedDecision(List.of(place));
    }
}
