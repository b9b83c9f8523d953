package dev.flywheel.feedback.event;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Collects what is wrong with one event, in the order it was found. Used by one thread. */
final class Findings {
    private final List<String> problems = new ArrayList<>();

    void add(String problem) {
        problems.add(problem);
    }

    void check(boolean holds, String problem, Object... values) {
        if (!holds) {
            problems.add(problem.formatted(values));
        }
    }

    void id(String field, String value) {
        check(!value.isBlank(), "%s is blank; it must be set", field);
        shortEnough(field, value);
    }

    void shortEnough(String field, String value) {
        check(value.length() <= EventSchema.ID_CHARS_MAX,
                "%s has %d characters, at most %d are allowed",
                field, value.length(), EventSchema.ID_CHARS_MAX);
    }

    void time(String field, long millis) {
        check(millis > 0, "%s is %d, it must be milliseconds since 1970", field, millis);
    }

    boolean none() {
        return problems.isEmpty();
    }

    Optional<String> first() {
        return problems.stream().findFirst();
    }
}
