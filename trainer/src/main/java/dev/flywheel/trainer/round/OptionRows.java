package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.OptionTerms;
import java.util.Arrays;

/**
 * Lays the options of an example out as rows behind its prompt, which they share: a slate costs little
 * more than its text. A prompt that does not fit beside its options loses its beginning.
 *
 * @param leashed whether the rows that predict something are to be on the leash
 */
record OptionRows(ExamplePreparer.Limits limits, boolean leashed) {
    /** Rows, and how the options' scores follow from their targets. */
    record Scored(PackedBatch batch, OptionTerms terms) {}

    /** Scores as the example's scoring says. */
    Scored scored(Example example) {
        return example.getScoring().getVerdict() ? verdicts(example) : likelihoods(example);
    }

    /** score = log p(accept) - log p(reject) after the option's last token: one row, two targets. */
    Scored verdicts(Example example) {
        Scoring scoring = example.getScoring();
        int optionRows = 0;
        int longest = 0;
        for (LabelledOption option : example.getOptionsList()) {
            optionRows += option.getIdsCount();
            longest = Math.max(longest, option.getIdsCount());
        }
        RowPacker rows = new RowPacker(limits.vocabSize(), leashed);
        int prompt = rows.root(prompt(example, optionRows, longest));
        int options = example.getOptionsCount();
        int[] optionOf = new int[2 * options];
        double[] sign = new double[2 * options];
        for (int k = 0; k < options; k++) {
            int[] ids = ids(example.getOptions(k));
            int row =
                    ids.length == 0 ? rows.lastRow(prompt) : rows.lastRow(rows.child(prompt, ids));
            rows.target(row, scoring.getAcceptId());
            rows.target(row, scoring.getRejectId());
            optionOf[2 * k] = k;
            optionOf[2 * k + 1] = k;
            sign[2 * k] = 1;
            sign[2 * k + 1] = -1;
        }
        return new Scored(rows.pack(), new OptionTerms(options, optionOf, sign));
    }

    /** score = sum of log p over the option's tokens; its last token is only ever predicted. */
    Scored likelihoods(Example example) {
        int options = example.getOptionsCount();
        int[][] answers = new int[options][];
        int tokens = 0;
        for (int k = 0; k < options; k++) {
            answers[k] = ids(example.getOptions(k));
            Requirement.holds(
                    answers[k].length > 0, "a continuation needs at least one token, had none");
            tokens += answers[k].length;
        }
        int[] optionOf = new int[tokens];
        double[] sign = new double[tokens];
        Arrays.fill(sign, 1);
        int target = 0;
        for (int k = 0; k < options; k++) {
            Arrays.fill(optionOf, target, target + answers[k].length, k);
            target += answers[k].length;
        }
        return new Scored(answered(example, answers), new OptionTerms(options, optionOf, sign));
    }

    /** Each answer's tokens as targets, one answer after the other. */
    PackedBatch answered(Example example, int[]... answers) {
        int tokens = Arrays.stream(answers).mapToInt(answer -> answer.length).sum();
        int longest = Arrays.stream(answers).mapToInt(answer -> answer.length).max().orElse(0);
        RowPacker rows = new RowPacker(limits.vocabSize(), leashed);
        int prompt = rows.root(prompt(example, tokens - answers.length, longest));
        for (int[] answer : answers) {
            rows.continuation(prompt, answer);
        }
        return rows.pack();
    }

    static int[] promptIds(Example example) {
        Requirement.holds(
                example.getPromptIdsCount() > 0,
                "prompt_ids is empty; the model needs a token to start from");
        return example.getPromptIdsList().stream().mapToInt(Integer::intValue).toArray();
    }

    static int[] ids(LabelledOption option) {
        return option.getIdsList().stream().mapToInt(Integer::intValue).toArray();
    }

    /** The prompt, or as much of its end as fits beside what the options need. */
    private int[] prompt(Example example, int optionRows, int longestOption) {
        int room =
                Math.min(limits.rowsMax() - optionRows, limits.positionsMax() - longestOption);
        if (room <= 0) {
            throw new UntrainableException(
                    UntrainableReason.UNTRAINABLE_REASON_TOO_LONG,
                    ("its options take %d tokens, the longest %d; the device takes %d, the model"
                            + " %d: raise engine.training_rows_max or send less text")
                            .formatted(
                                    optionRows,
                                    longestOption,
                                    limits.rowsMax(),
                                    limits.positionsMax()));
        }
        int[] ids = promptIds(example);
        return ids.length <= room ? ids : Arrays.copyOfRange(ids, ids.length - room, ids.length);
    }
}
