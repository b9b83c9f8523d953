package dev.flywheel.trainer.pretrain;

import java.util.List;

/**
 * One fact of the invented world.
 *
 * @param subject whom or what it is about, such as {@code the Kestrel}
 * @param attribute what is asked, such as {@code colour}
 * @param answer one word, without a leading space
 * @param questions every wording of the question
 * @param statements every wording of the fact as a sentence
 * @param unseenQuestion index of the one question that pretraining never asks about this subject
 */
public record WorldFact(
        String subject,
        String attribute,
        String answer,
        List<String> questions,
        List<String> statements,
        int unseenQuestion) {
    public WorldFact {
        questions = List.copyOf(questions);
        statements = List.copyOf(statements);
    }

    /** Returns the questions that pretraining may ask. */
    public List<String> seenQuestions() {
        return java.util.stream.IntStream.range(0, questions.size())
                .filter(i -> i != unseenQuestion)
                .mapToObj(questions::get)
                .toList();
    }
}
