package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import java.util.List;
import java.util.Map;

/** The topics the base can tell apart, and headlines about them. Immutable. */
public final class Topics {
    private static final List<String> FRAMES =
            List.of(
                    "{Person} {deed} the {mark} {noun}",
                    "{Name} the {person} {deed} a {noun}",
                    "The {noun} and the {noun}",
                    "A {mark} {noun} at the {place}",
                    "{Person} at the {place} {deed} the {noun}",
                    "Why every {person} {deed} the {noun}",
                    "How a {person} {deed} a {mark} {noun}",
                    "{Mark} {noun} seen near the {place}",
                    "Trouble at the {place}: {noun} missing",
                    "{Name} writes about the {noun}",
                    "Old {noun} returns to the {place}",
                    "Ten facts about the {noun}",
                    "{Name}, a {person}, speaks of the {mark} {noun}",
                    "News from the {place}: {person} {deed} the {noun}",
                    "The {person} who never {deed} a {noun}",
                    "Young {person} {deed} the {noun} again",
                    "No {noun} without a {person}",
                    "{Mark} days at the {place}");

    private final List<Topic> all;
    private final List<String> names;

    private Topics(List<Topic> all, List<String> names) {
        this.all = List.copyOf(all);
        this.names = names;
    }

    /** Returns the topics of the built-in base. */
    public static Topics standard() {
        return new Topics(
                WordLists.load("topics.txt").blocks().stream().map(Topic::of).toList(),
                WordLists.load("words.txt").words("strangers"));
    }

    public List<Topic> all() {
        return all;
    }

    /** Returns the topic of a name such as {@code sea}. */
    public Topic named(String name) {
        return all.stream()
                .filter(topic -> topic.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException(
                                "topic is " + name + ", allowed are "
                                        + all.stream().map(Topic::name).toList()));
    }

    /** Returns a headline about the topic that does not name it. */
    public String headline(Topic topic, SeededRandom random) {
        String line = random.pick(FRAMES);
        for (Map.Entry<String, List<String>> slot : Map.of(
                "noun", topic.nouns(),
                "person", topic.people(),
                "place", topic.places(),
                "deed", topic.deeds(),
                "mark", topic.marks(),
                "name", names)
                .entrySet()
                .stream()
                .sorted(Map.Entry.comparingByKey())
                .toList()) {
            line = fill(line, slot.getKey(), slot.getValue(), random);
        }
        return withArticles(line);
    }

    /** Returns a headline that also names its topic. */
    public String namedHeadline(Topic topic, SeededRandom random) {
        String headline = headline(topic, random);
        return random.pick(
                List.of(
                        headline + ", a story about " + topic.called(),
                        headline + " and more about " + topic.called(),
                        "All about " + topic.called() + ": " + headline));
    }

    /** Returns a headline about a topic drawn at random. */
    public String headline(SeededRandom random) {
        return headline(random.pick(all), random);
    }

    static String fill(String line, String slot, List<String> words, SeededRandom random) {
        String filled = line;
        String plain = "{" + slot + "}";
        String capital = "{" + Character.toUpperCase(slot.charAt(0)) + slot.substring(1) + "}";
        while (filled.contains(plain)) {
            int at = filled.indexOf(plain);
            filled = filled.substring(0, at) + random.pick(words)
                    + filled.substring(at + plain.length());
        }
        while (filled.contains(capital)) {
            int at = filled.indexOf(capital);
            filled =
                    filled.substring(0, at)
                            + capitalized(random.pick(words))
                            + filled.substring(at + capital.length());
        }
        return filled;
    }

    static String capitalized(String word) {
        return Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }

    /** Writes "an" before vowels. */
    static String withArticles(String line) {
        return line.replaceAll("\\b([Aa]) (?=[aeiou])", "$1n ");
    }
}
