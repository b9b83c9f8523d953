package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.OptionTerms;
import dev.flywheel.trainer.objective.SlateLabels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns the examples of a manifest into rows for the device, and names those that cannot be.
 *
 * <p>Options share the rows of their prompt, so a slate costs little more than its text. A prompt
 * that does not fit beside its options loses its beginning.
 */
final class ExamplePreparer {
    /** A reward may be any number; as evidence none counts for more than a whole choice. */
    private static final double LABEL_MAX = 1;

    private final ExampleText text;
    private final Limits limits;
    private final boolean leashed;

    /**
     * @param leashed whether the rows that predict something are to be on the leash
     */
    ExamplePreparer(Tokenizer tokenizer, Limits limits, boolean leashed) {
        this.text = new ExampleText(tokenizer);
        this.limits = limits;
        this.leashed = leashed;
    }

    /**
     * What the model and the device take.
     *
     * @param vocabSize ids at or above it are not the model's
     * @param positionsMax tokens in one sequence
     * @param rowsMax tokens that one example may take on the device
     */
    record Limits(int vocabSize, int positionsMax, int rowsMax) {}

    /** What a round trains on, in the order of its examples, and what it leaves out. */
    record Prepared(List<PreparedExample> examples, List<Untrainable> left) {}

    Prepared prepare(List<Example> examples, RoundSettings settings) {
        ChoiceWeights importance = ChoiceWeights.of(examples, settings.getImportanceClip());
        Answers answers = new Answers(examples, settings.getPreferenceBeta());
        List<PreparedExample> prepared = new ArrayList<>();
        List<Untrainable> left = new ArrayList<>();
        for (Example example : examples) {
            try {
                prepared.add(prepare(example, importance, answers));
            } catch (UntrainableException why) {
                left.add(new Untrainable(example.getExampleId(), why.reason(), why.detail()));
            } catch (IllegalArgumentException malformed) {
                left.add(new Untrainable(example.getExampleId(),
                        UntrainableReason.UNTRAINABLE_REASON_MALFORMED,
                        String.valueOf(malformed.getMessage())));
            }
        }
        return new Prepared(prepared, left);
    }

    private PreparedExample prepare(Example example, ChoiceWeights importance, Answers answers) {
        require(
                example.getWeight() > 0 && Double.isFinite(example.getWeight()),
                "weight must be above 0, was " + example.getWeight());
        require(
                example.getSamplingRate() > 0 && example.getSamplingRate() <= 1,
                "sampling_rate must be in (0, 1], was " + example.getSamplingRate());
        return switch (example.getKind()) {
            case EXAMPLE_KIND_LISTWISE -> slate(example, importance);
            case EXAMPLE_KIND_SFT -> correction(example);
            case EXAMPLE_KIND_KTO -> answer(example, answers);
            case EXAMPLE_KIND_DPO, EXAMPLE_KIND_BINARY, EXAMPLE_KIND_BANDIT,
                    EXAMPLE_KIND_UNSPECIFIED, UNRECOGNIZED ->
                throw new IllegalArgumentException(
                        "kind must be one of "
                                + List.of(
                                        ExampleKind.EXAMPLE_KIND_LISTWISE,
                                        ExampleKind.EXAMPLE_KIND_SFT,
                                        ExampleKind.EXAMPLE_KIND_KTO)
                                + ", was "
                                + example.getKind());
        };
    }

    private PreparedExample slate(Example example, ChoiceWeights importance) {
        require(example.getOptionsCount() > 0, "a slate needs at least one option, had none");
        SlateLabels labels =
                new SlateLabels(
                        labels(example),
                        importance.of(example),
                        example.getScoring().getVerdict());
        return example.getScoring().getVerdict()
                ? verdicts(example, labels)
                : likelihoods(example, labels);
    }

    private static double[] labels(Example example) {
        double[] labels = new double[example.getOptionsCount()];
        for (int k = 0; k < labels.length; k++) {
            double label = example.getOptions(k).getLabel();
            require(Double.isFinite(label), "label must be finite, was " + label);
            labels[k] = Math.clamp(label, -LABEL_MAX, LABEL_MAX);
        }
        return labels;
    }

    /** score = log p(accept) - log p(reject) after the option's last token: one row, two targets. */
    private PreparedExample verdicts(Example example, SlateLabels labels) {
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
        return new PreparedExample.Slate(
                example, rows.pack(), new OptionTerms(options, optionOf, sign), labels);
    }

    /** score = sum of log p over the option's tokens; its last token is only ever predicted. */
    private PreparedExample likelihoods(Example example, SlateLabels labels) {
        int tokens = 0;
        int longest = 0;
        int options = example.getOptionsCount();
        for (LabelledOption option : example.getOptionsList()) {
            require(option.getIdsCount() > 0, "a continuation needs at least one token, had none");
            tokens += option.getIdsCount();
            longest = Math.max(longest, option.getIdsCount());
        }
        RowPacker rows = new RowPacker(limits.vocabSize(), leashed);
        int prompt = rows.root(prompt(example, tokens - options, longest));
        int[] optionOf = new int[tokens];
        double[] sign = new double[tokens];
        int target = 0;
        for (int k = 0; k < options; k++) {
            int[] ids = ids(example.getOptions(k));
            rows.continuation(prompt, ids);
            for (int i = 0; i < ids.length; i++) {
                optionOf[target] = k;
                sign[target++] = 1;
            }
        }
        return new PreparedExample.Slate(
                example, rows.pack(), new OptionTerms(options, optionOf, sign), labels);
    }

    private PreparedExample correction(Example example) {
        require(
                example.getOptionsCount() == 1,
                "a text to imitate is exactly one option, had " + example.getOptionsCount());
        LabelledOption option = example.getOptions(0);
        int[] promptIds = promptIds(example);
        int[] answer =
                option.getIdsCount() > 0
                        ? ids(option)
                        : text.tokens(promptIds, option.getCandidateId());
        return new PreparedExample.Text(example, answered(example, answer, leashed));
    }

    private PreparedExample answer(Example example, Answers answers) {
        require(
                example.getOptionsCount() == 1 && example.getOptions(0).getIdsCount() > 0,
                "an answer that was judged is exactly one option with at least one token");
        double label = example.getOptions(0).getLabel();
        require(label == 1 || label == -1, "label must be 1 or -1, was " + label);
        return new PreparedExample.Answer(
                example,
                answered(example, ids(example.getOptions(0)), leashed),
                label > 0,
                answers.objective(),
                mismatch(example, answers.other(example)));
    }

    /** Another example's answer after this one's prompt; null if that does not fit. */
    private @Nullable PackedBatch mismatch(Example example, @Nullable Example other) {
        try {
            return other == null ? null : answered(example, ids(other.getOptions(0)), false);
        } catch (UntrainableException unfit) {
            return null;
        }
    }

    private PackedBatch answered(Example example, int[] answer, boolean onLeash) {
        RowPacker rows = new RowPacker(limits.vocabSize(), onLeash);
        rows.continuation(rows.root(prompt(example, answer.length - 1, answer.length)), answer);
        return rows.pack();
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

    private int[] promptIds(Example example) {
        require(example.getPromptIdsCount() > 0,
                "prompt_ids is empty; the model needs a token to start from");
        return example.getPromptIdsList().stream().mapToInt(Integer::intValue).toArray();
    }

    private static int[] ids(LabelledOption option) {
        return option.getIdsList().stream().mapToInt(Integer::intValue).toArray();
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
