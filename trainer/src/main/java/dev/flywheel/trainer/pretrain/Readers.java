package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a prompt may say about a reader: plain facts, which the base links to no taste, and stated
 * tastes, which decide its verdicts.
 *
 * <p>Immutable.
 */
public final class Readers {
    /** Facts by kind, such as {@code job}: each a clause ready for {@link #context}. */
    private final Map<String, List<String>> facts = new LinkedHashMap<>();

    public Readers() {
        WordLists words = WordLists.load("words.txt");
        facts.put("job", clauses("works as a ", words.words("trades")));
        facts.put("pet", clauses("keeps a ", words.words("pets")));
        facts.put("quarter", clauses("lives in the ", words.words("quarters")));
        facts.put("drink", clauses("drinks ", words.words("drinks")));
        facts.put("vehicle", clauses("travels by ", words.words("vehicles")));
        facts.put("habit", words.words("habits"));
        facts.put("family", words.words("families"));
        facts.put("age", Stream.of(19, 24, 31, 38, 45, 52, 60, 71).map(n -> "is " + n).toList());
    }

    private static List<String> clauses(String start, List<String> words) {
        return words.stream()
                .map(word -> start + word)
                .map(clause -> clause.replace("travels by a ", "rides a "))
                .map(clause -> clause.replace("travels by an ", "drives an "))
                .map(clause -> clause.replace("travels by roller", "rides roller"))
                .map(Topics::withArticles)
                .toList();
    }

    /** Returns the kinds of facts and the clauses of each, in a fixed order. */
    public Map<String, List<String>> facts() {
        return Collections.unmodifiableMap(facts);
    }

    /** Returns the context text of the clauses, in the order given. */
    public static String context(List<String> clauses) {
        return String.join(", ", clauses);
    }

    /** Returns one clause for each of a few kinds of facts drawn at random. */
    public List<String> randomFacts(int count, SeededRandom random) {
        List<String> kinds = shuffled(List.copyOf(facts.keySet()), random);
        List<String> clauses = new ArrayList<>();
        for (String kind : kinds.subList(0, Math.min(count, kinds.size()))) {
            clauses.add(random.pick(WordLists.list(facts, kind)));
        }
        return clauses;
    }

    /** Returns one clause that states a liking for topics, in one of several wordings. */
    public static String likes(List<Topic> liked, SeededRandom random) {
        String what = joined(liked);
        return random.pick(
                List.of(
                        "enjoys stories about " + what,
                        "loves " + what,
                        "likes to read about " + what,
                        "cares about " + what,
                        "is fond of " + what,
                        "always reads about " + what));
    }

    /** Returns one clause that states a dislike of topics. */
    public static String dislikes(List<Topic> disliked, SeededRandom random) {
        String what = joined(disliked);
        return random.pick(
                List.of(
                        "is bored by " + what,
                        "never reads about " + what,
                        "dislikes " + what,
                        "avoids " + what,
                        "cannot stand " + what));
    }

    private static String joined(List<Topic> topics) {
        List<String> called = topics.stream().map(Topic::called).toList();
        int last = called.size() - 1;
        return last == 0
                ? called.getFirst()
                : String.join(", ", called.subList(0, last)) + " and " + called.get(last);
    }

    static <T> List<T> shuffled(List<T> items, SeededRandom random) {
        List<T> out = new ArrayList<>(items);
        for (int i = out.size() - 1; i > 0; i--) {
            Collections.swap(out, i, random.nextInt(i + 1));
        }
        return out;
    }
}
