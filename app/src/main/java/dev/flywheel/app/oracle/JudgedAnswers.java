package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.ScoredAnswer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/**
 * Single answers marked good or bad, and perhaps further ones without a mark behind them.
 *
 * @param marked the examples, whose scores come first
 */
record JudgedAnswers(PackedBatch rows, OptionTerms terms, List<ScoredAnswer> marked) {
    /** Lays out the examples of a batch, then its unmarked ones. */
    static JudgedAnswers of(JsonNode batch, Predicate<JsonNode> desirable) {
        AnswerLayout layout = new AnswerLayout();
        List<ScoredAnswer> marked = new ArrayList<>();
        for (JsonNode example : Entries.objects(batch, "examples")) {
            layout.answer(layout.prompt(example.path("prompt")), example.path("completion"));
            marked.add(
                    new ScoredAnswer(
                            0, 0, desirable.test(example), TrainingBatch.weight(example)));
        }
        for (JsonNode example : Entries.objectsOrNone(batch, "kl_examples")) {
            layout.answer(layout.prompt(example.path("prompt")), example.path("completion"));
        }
        return new JudgedAnswers(layout.rows(), layout.terms(), marked);
    }

    /**
     * Answers with their scores.
     *
     * @param scores with the adapter, of the marked answers first
     * @param references the same with the adapter off
     */
    record Scored(double[] scores, double[] references, List<ScoredAnswer> marked) {
        /** Returns what of scores or references belongs to answers without a mark. */
        double[] unmarked(double[] values) {
            return Arrays.copyOfRange(values, marked.size(), values.length);
        }
    }

    /** Scores the answers by the log-probabilities of their tokens. */
    Scored scored(double[] logProbs, double[] reference) {
        double[] scores = terms.scores(logProbs);
        double[] references = terms.scores(reference);
        List<ScoredAnswer> scored = new ArrayList<>();
        for (int i = 0; i < marked.size(); i++) {
            ScoredAnswer answer = marked.get(i);
            scored.add(
                    new ScoredAnswer(
                            scores[i], references[i], answer.desirable(), answer.weight()));
        }
        return new Scored(scores, references, scored);
    }
}
