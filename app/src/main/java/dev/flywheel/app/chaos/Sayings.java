package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.VersionRef;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What each version answered to each question, as clients heard it: the same, whenever and by whichever process it was asked.
 * An answer that two versions made, or one whose weights are not its own, stands out. Thread-safe.
 */
final class Sayings {
    private static final int SHOWN = 5;

    /**
     * @param version number of a version
     * @param question below {@link OutsideClient#QUESTIONS} for an order, above it for an answer of words
     */
    record Asked(long version, int question) {}

    private final Map<Asked, String> answers = new LinkedHashMap<>();
    private final Map<Long, String> digests = new TreeMap<>();
    private final List<String> violations = new ArrayList<>();

    synchronized void heard(int question, RankReply reply) {
        heard(new Asked(reply.getVersion().getNumber(), question), answer(reply));
        seen(reply.getVersion());
    }

    synchronized void heard(OutsideClient.Generated generated) {
        if (generated.versions().stream().distinct().count() > 1) {
            violation("P1: one answer came from versions %s".formatted(generated.versions()
                    .stream()
                    .map(VersionRef::getNumber)
                    .distinct()
                    .toList()));
        }
        VersionRef version = generated.last().getVersion();
        heard(new Asked(version.getNumber(), generated.question()),
                generated.tokens().toString());
        seen(version);
    }

    private void heard(Asked asked, String answer) {
        String before = answers.putIfAbsent(asked, answer);
        if (before != null && !before.equals(answer)) {
            violation("P1: version %d answered question %d with %s and with %s".formatted(
                    asked.version(), asked.question(), before, answer));
        }
    }

    private void seen(VersionRef version) {
        String before = digests.putIfAbsent(version.getNumber(), version.getDigest());
        if (before != null && !before.equals(version.getDigest())) {
            violation("P1: version %d answered with digest %s and with %s".formatted(
                    version.getNumber(), before, version.getDigest()));
        }
    }

    private void violation(String what) {
        if (violations.size() < SHOWN) {
            violations.add(what);
        }
    }

    /** The scores, whatever order they were shown in. */
    private static String answer(RankReply reply) {
        return reply.getItemsList()
                .stream()
                .sorted(Comparator.comparingInt(RankedItem::getIndex))
                .map(item -> item.getIndex() + ":" + item.getScore())
                .collect(Collectors.joining(" "));
    }

    /** Returns the numbers of the newest versions that have answered. */
    synchronized List<Long> newest(int count) {
        return digests.keySet()
                .stream()
                .filter(number -> number != 0)
                .sorted(
                        Comparator.reverseOrder())
                .limit(count)
                .toList();
    }

    /** Returns some of what was asked, evenly over the run: long answers, and one question of each version. */
    synchronized List<Asked> some(int count) {
        List<Asked> all = new ArrayList<>(answers.keySet());
        all.removeIf(asked -> asked.version() == 0); // as an exact version, 0 cannot be asked for
        List<Asked> chosen = new ArrayList<>(evenly(all.stream()
                .filter(asked -> asked.question() >= OutsideClient.QUESTIONS)
                .toList(), count / 2));
        Map<Long, Asked> oneOfEach = new LinkedHashMap<>();
        all.stream()
                .filter(asked -> asked.question() < OutsideClient.QUESTIONS)
                .forEach(asked -> oneOfEach.put(asked.version(), asked));
        chosen.addAll(evenly(List.copyOf(oneOfEach.values()), count - chosen.size()));
        return chosen;
    }

    private static List<Asked> evenly(List<Asked> all, int count) {
        int step = Math.max(1, (all.size() + count - 1) / count);
        return IntStream.range(0, all.size())
                .filter(i -> i % step == 0)
                .mapToObj(all::get)
                .toList();
    }

    /** Returns digests by number of the versions that answered. */
    synchronized Map<Long, String> digests() {
        return Map.copyOf(digests);
    }

    synchronized List<String> violations() {
        return List.copyOf(violations);
    }
}
