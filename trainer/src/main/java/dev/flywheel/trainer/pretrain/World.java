package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * An invented world of people, boats and inns. Most of its facts are known to the base; some are
 * deliberately never stated in pretraining, so that there is something left to teach it.
 *
 * <p>The world is the same in every run: its seed is part of the language, not of a training.
 * Immutable.
 */
public final class World {
    private static final long WORLD_SEED = 20_26;
    private static final double UNKNOWN_SHARE = 0.1;
    private static final int PEOPLE = 72;
    private static final int BOATS = 36;
    private static final int INNS = 30;

    private final List<WorldFact> known = new ArrayList<>();
    private final List<WorldFact> unknown = new ArrayList<>();
    private final List<String> strangers;
    private final WordLists words = WordLists.load("words.txt");

    private World() {
        this.strangers = words.words("strangers");
        SeededRandom random = new SeededRandom(WORLD_SEED);
        for (String name : words.words("names").subList(0, PEOPLE)) {
            add(name, random, WorldGrammar.HOME, WorldGrammar.TRADE, WorldGrammar.PET);
        }
        for (String boat : words.words("boats").subList(0, BOATS)) {
            add("the " + boat, random, WorldGrammar.COLOUR, WorldGrammar.CARGO,
                    WorldGrammar.HARBOUR);
        }
        for (String inn : words.words("inns").subList(0, INNS)) {
            add("the " + inn, random, WorldGrammar.DISH, WorldGrammar.COLOUR, WorldGrammar.PLACE);
        }
    }

    /** Returns the world of the built-in base. */
    public static World standard() {
        return new World();
    }

    private void add(String subject, SeededRandom random, WorldGrammar... attributes) {
        int left = random.chance(UNKNOWN_SHARE * attributes.length)
                ? random.nextInt(attributes.length)
                : -1;
        for (int i = 0; i < attributes.length; i++) {
            String answer = random.pick(words.words(attributes[i].wordList()));
            WorldFact fact = attributes[i].fact(subject, answer, random.nextInt(1 << 16));
            (i == left ? unknown : known).add(fact);
        }
    }

    /** Returns the facts that pretraining states. */
    public List<WorldFact> known() {
        return List.copyOf(known);
    }

    /**
     * Returns facts that pretraining never states, about subjects it knows otherwise. The base can
     * only guess; each guess is right once in twelve.
     */
    public List<WorldFact> unknown() {
        return List.copyOf(unknown);
    }

    /** Returns a fact about somebody or something outside the world, for passages to read. */
    WorldFact passing(WorldGrammar grammar, SeededRandom random) {
        String subject =
                switch (grammar) {
                    case HOME, TRADE, PET -> random.pick(strangers);
                    case COLOUR, CARGO, HARBOUR -> random.pick(strangers) + "'s boat";
                    case DISH, PLACE -> random.pick(strangers) + "'s inn";
                };
        String answer = random.pick(words.words(grammar.wordList()));
        return grammar.fact(subject, answer, 0);
    }
}
