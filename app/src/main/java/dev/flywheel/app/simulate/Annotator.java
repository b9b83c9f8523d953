package dev.flywheel.app.simulate;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.trainer.pretrain.Prompts;
import dev.flywheel.trainer.pretrain.World;
import dev.flywheel.trainer.pretrain.WorldFact;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Somebody who judges answers to questions that the base can only guess at. Pure.
 *
 * <p>For thumbs and preferences the taste is a hidden half of all words, whatever the question: a base that guesses hits it
 * about as often as not. For corrections there is one true answer to each question.
 */
final class Annotator {
    private final long seed;
    private final double noise;
    private final List<WorldFact> facts;

    /**
     * @param noise share of judgements that are the opposite of what was meant
     * @param questions how many different ones are asked
     */
    Annotator(long seed, double noise, int questions) {
        this.seed = seed;
        this.noise = noise;
        List<WorldFact> all = new ArrayList<>(World.standard().unknown());
        Audience.shuffle(all, new SplittableRandom(seed));
        this.facts = List.copyOf(all.subList(0, Math.min(questions, all.size())));
    }

    /** A question with its true answer. */
    record Question(String prompt, String truth) {}

    int questions() {
        return facts.size();
    }

    /** Returns question {@code number} in one of its wordings. */
    Question question(int number, SplittableRandom random) {
        WorldFact fact = facts.get(number);
        List<String> wordings = fact.seenQuestions();
        return new Question(
                Prompts.question(wordings.get(random.nextInt(wordings.size()))), fact.answer());
    }

    /** Whether the answer is to the annotator's taste. */
    boolean likes(String answer) {
        return new SeededRandom(seed).split("taste " + answer.strip()).chance(0.5);
    }

    /** Returns what the annotator says of something that is so: now and then the opposite. */
    boolean says(boolean meant, SplittableRandom random) {
        return (random.nextDouble() < noise) != meant;
    }
}
