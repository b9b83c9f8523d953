package dev.flywheel.app.load;

import dev.flywheel.api.v1.VersionRef;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What each version said to each question: the same each time, or it is wrong. Thread-safe. */
final class AnswerBook {
    private static final int SHOWN_MAX = 10;

    private final Map<Asked, List<Integer>> answers = new LinkedHashMap<>();
    private final Map<String, Map<Long, String>> digests = new TreeMap<>();
    private final List<String> wrong = new ArrayList<>();
    private long wrongs;

    /** A question to one version. */
    record Asked(Question question, VersionRef version) {}

    /** Notes a whole answer. */
    synchronized void note(Exchange exchange) {
        VersionRef version = exchange.version();
        if (exchange.mixed()) {
            wrong("P1: more than one version in an answer, the last %s".formatted(named(version)));
            return;
        }
        String digest = digests.computeIfAbsent(version.getAdapter(), each -> new TreeMap<>())
                .computeIfAbsent(version.getNumber(), each -> version.getDigest());
        if (!digest.equals(version.getDigest())) {
            wrong("P1: %s had digest %s and has %s".formatted(named(version), digest,
                    version.getDigest()));
        }
        List<Integer> before = answers.putIfAbsent(new Asked(exchange.question(), version),
                List.copyOf(exchange.tokens()));
        if (before != null && !before.equals(exchange.tokens())) {
            wrong("P1: %s answered '%s' with tokens %s and with %s".formatted(named(version),
                    exchange.question().prompt(), before, exchange.tokens()));
        }
    }

    static String named(VersionRef version) {
        return version.getAdapter().isEmpty() ? "the base"
                : "version %d of %s".formatted(version.getNumber(), version.getAdapter());
    }

    /** Notes what is wrong with an answer. */
    synchronized void wrong(String what) {
        wrongs++;
        if (wrong.size() < SHOWN_MAX) {
            wrong.add(what);
        }
    }

    /** Returns what was noted so far, in order. */
    synchronized Map<Asked, List<Integer>> answers() {
        return new LinkedHashMap<>(answers);
    }

    /** Returns the digest that each version answered with, by adapter and number. */
    synchronized Map<String, Map<Long, String>> digests() {
        Map<String, Map<Long, String>> copy = new TreeMap<>();
        digests.forEach((adapter, versions) -> copy.put(adapter, new TreeMap<>(versions)));
        return copy;
    }

    /** Returns how many answers were wrong. */
    synchronized long wrongs() {
        return wrongs;
    }

    /** Returns the first of what was wrong. */
    synchronized List<String> shown() {
        return List.copyOf(wrong);
    }
}
