package dev.flywheel.app.load;

import dev.flywheel.adapters.random.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/** Texts to continue. */
public final class Prompts {
    private static final List<String> WORDS = List.of("the", "a", "sea", "river", "town", "is",
            "was", "north", "of", "and", "old", "small", "near", "who", "said", "house", "light",
            "from", "under", "with", "morning", "wind", "road", "ship", "to", "in");

    private Prompts() {}

    static List<String> of(int count, int words, SeededRandom random) {
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(numbered(i, words, random));
        }
        return prompts;
    }

    /** Returns a text that begins with a number, so that it has no beginning in common with those of other numbers. */
    public static String numbered(long number, int words, SeededRandom random) {
        List<String> text = new ArrayList<>();
        for (int word = 0; word < words; word++) {
            text.add(random.pick(WORDS));
        }
        return number + " " + String.join(" ", text);
    }
}
