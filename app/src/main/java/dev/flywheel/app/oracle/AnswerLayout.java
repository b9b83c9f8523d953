package dev.flywheel.app.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.OptionTerms;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Answers to prompts laid out as rows, answers to one prompt sharing its rows. Not thread-safe. */
final class AnswerLayout {
    private final PackedBatch.Builder batch = PackedBatch.builder();
    private final List<Integer> answerOfTarget = new ArrayList<>();
    private int answers;

    /** Adds a prompt, to be answered once or more. */
    int prompt(JsonNode ids) {
        int[] tokens = OracleCase.ints(ids, "prompt");
        if (tokens.length == 0) {
            throw new BadCaseException("a prompt has no tokens; its answer's first has no context");
        }
        return batch.segment(tokens);
    }

    /** Adds an answer; the last token is predicted and never read. */
    void answer(int prompt, JsonNode ids) {
        int[] tokens = OracleCase.ints(ids, "answer");
        if (tokens.length > 0) {
            target(batch.lastRow(prompt), tokens[0]);
        }
        if (tokens.length > 1) {
            int segment = batch.child(prompt, Arrays.copyOf(tokens, tokens.length - 1));
            for (int i = 1; i < tokens.length; i++) {
                target(batch.row(segment, i - 1), tokens[i]);
            }
        }
        answers++;
    }

    PackedBatch rows() {
        return batch.build();
    }

    /** Returns which targets sum up to which answer's score. */
    OptionTerms terms() {
        double[] signs = new double[answerOfTarget.size()];
        Arrays.fill(signs, 1);
        return new OptionTerms(
                answers, answerOfTarget.stream().mapToInt(Integer::intValue).toArray(), signs);
    }

    private void target(int row, int token) {
        batch.target(row, token);
        answerOfTarget.add(answers);
    }
}
