package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.LabelledOption;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.engine.training.PackedBatch;
import dev.flywheel.trainer.objective.BanditObjective;
import dev.flywheel.trainer.objective.PreferenceObjective;
import dev.flywheel.trainer.objective.SlateLabels;
import dev.flywheel.trainer.objective.VerdictObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Turns the examples of a round into rows for the device and the losses over them, and names those
 * that cannot be.
 */
final class ExamplePreparer {
    /** A reward may be any number; as evidence none counts for more than a whole choice. */
    private static final double LABEL_MAX = 1;

    /** Example.signal of what nobody said. */
    private static final String SILENCE = "silence";

    /** A policy's share of an item is softmax of the scores as they are, nats. */
    private static final double POLICY_TEMPERATURE = 1;

    /** No place is taken to have been rarer than this: a ratio to less is noise. */
    private static final double PROPENSITY_MIN = 1e-3;

    private final Tokenizer tokenizer;
    private final ExampleText text;
    private final Limits limits;
    private final RoundSettings settings;
    private final ChoiceWeights importance;
    private final Answers answers;
    private final PreferenceObjective preference;
    private final BanditObjective bandit;

    /**
     * @param round all examples of the round, which weights and reference points are taken over
     */
    ExamplePreparer(
            Tokenizer tokenizer, Limits limits, RoundSettings settings, List<Example> round) {
        this.tokenizer = tokenizer;
        this.text = new ExampleText(tokenizer);
        this.limits = limits;
        this.settings = settings;
        this.importance = ChoiceWeights.of(round, settings.getImportanceClip());
        this.answers = new Answers(round, settings.getPreferenceBeta());
        this.preference = new PreferenceObjective(answers.objective().beta());
        this.bandit =
                new BanditObjective(
                        POLICY_TEMPERATURE,
                        Math.max(1, settings.getImportanceClip()),
                        settings.getRewardBaseline());
    }

    /**
     * What the model and the device take.
     *
     * @param vocabSize ids at or above it are not the model's
     * @param positionsMax tokens in one sequence
     * @param rowsMax tokens that one example may take on the device
     */
    record Limits(int vocabSize, int positionsMax, int rowsMax) {}

    /** What a round trains on, in the order of its examples, some as several, and what it leaves out. */
    record Prepared(List<PreparedExample> examples, List<Untrainable> left) {}

    Prepared prepare(List<Example> examples) {
        List<PreparedExample> prepared = new ArrayList<>();
        List<Untrainable> left = new ArrayList<>();
        for (Example example : examples) {
            try {
                prepared.addAll(prepare(example));
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

    private List<PreparedExample> prepare(Example example) {
        Requirement.holds(
                example.getWeight() > 0 && Double.isFinite(example.getWeight()),
                "weight must be above 0, was " + example.getWeight());
        Requirement.holds(
                example.getSamplingRate() > 0 && example.getSamplingRate() <= 1,
                "sampling_rate must be in (0, 1], was " + example.getSamplingRate());
        OptionRows rows = new OptionRows(limits, Leash.weight(example, settings) > 0);
        return switch (example.getKind()) {
            case EXAMPLE_KIND_LISTWISE -> List.of(slate(example, rows));
            case EXAMPLE_KIND_SFT -> List.of(correction(example, rows));
            case EXAMPLE_KIND_KTO -> List.of(answer(example, rows));
            case EXAMPLE_KIND_DPO -> List.of(pair(example, rows));
            case EXAMPLE_KIND_BINARY -> verdicts(example, rows);
            case EXAMPLE_KIND_BANDIT -> List.of(decision(example, rows));
            case EXAMPLE_KIND_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalArgumentException(
                    "kind must be one of %s, was %s".formatted(kinds(), example.getKind()));
        };
    }

    private static List<ExampleKind> kinds() {
        return Stream.of(ExampleKind.values())
                .filter(
                        kind -> kind != ExampleKind.EXAMPLE_KIND_UNSPECIFIED
                                && kind != ExampleKind.UNRECOGNIZED)
                .toList();
    }

    private PreparedExample slate(Example example, OptionRows rows) {
        SlateLabels labels =
                new SlateLabels(
                        labels(example, -LABEL_MAX),
                        importance.of(example),
                        example.getScoring().getVerdict());
        OptionRows.Scored scored = rows.scored(example);
        return new PreparedExample.Slate(example, scored.batch(), scored.terms(), labels);
    }

    /** Each item by itself, so that how far its gradient is cut does not depend on its neighbours. */
    private static List<PreparedExample> verdicts(Example example, OptionRows rows) {
        Requirement.holds(
                example.getScoring().getVerdict(),
                "scoring.verdict must be true: only a verdict is a probability of its own");
        double[] labels = labels(example, 0);
        boolean silence = example.getSignal().equals(SILENCE);
        VerdictObjective objective = new VerdictObjective(example.getLateShare());
        List<PreparedExample> items = new ArrayList<>();
        for (int k = 0; k < labels.length; k++) {
            Example item =
                    example.toBuilder().clearOptions().addOptions(example.getOptions(k)).build();
            OptionRows.Scored scored = rows.verdicts(item);
            items.add(
                    new PreparedExample.Verdict(
                            example, scored.batch(), scored.terms(), labels[k], silence,
                            objective));
        }
        return items;
    }

    private PreparedExample decision(Example example, OptionRows rows) {
        double[] rewards = labels(example, -LABEL_MAX);
        int action = example.hasAction() ? example.getAction() : impliedAction(example, rewards);
        Requirement.holds(
                action >= 0 && action < rewards.length,
                "action must be the index of an option, below " + rewards.length + ", was "
                        + Integer.toUnsignedString(action));
        for (int k = 0; k < rewards.length; k++) {
            Requirement.holds(
                    k == action || rewards[k] == 0,
                    "a decision has one reward, but option " + k + " has a label beside option "
                            + action);
        }
        Requirement.holds(
                example.getOptions(action).getPlace() >= 0,
                "option " + action + " has a reward but was not shown, its place is "
                        + example.getOptions(action).getPlace());
        double propensity = example.getOptions(action).getPropensity();
        Requirement.holds(
                propensity >= 0 && propensity <= 1,
                "propensity must be in [0, 1], was " + propensity);
        Rivals rivals = Rivals.of(example, action, limits);
        OptionRows.Scored scored = rows.scored(rivals.modelled());
        return new PreparedExample.Decision(
                example,
                scored.batch(),
                scored.terms(),
                rivals,
                propensity == 0 ? 0 : Math.max(PROPENSITY_MIN, propensity),
                rewards[action],
                bandit);
    }

    /** Of examples that older releases made: the reward stands at its item; where all are 0 it is the top place's. */
    private static int impliedAction(Example example, double[] rewards) {
        return IntStream.range(0, rewards.length)
                .filter(k -> rewards[k] != 0)
                .findFirst()
                .orElseGet(() -> top(example));
    }

    private static int top(Example example) {
        return IntStream.range(0, example.getOptionsCount())
                .filter(k -> example.getOptions(k).getPlace() >= 0)
                .boxed()
                .min(Comparator.comparingInt(k -> example.getOptions(k).getPlace()))
                .orElse(0);
    }

    private static double[] labels(Example example, double min) {
        Requirement.holds(
                example.getOptionsCount() > 0, "a slate needs at least one option, had none");
        double[] labels = new double[example.getOptionsCount()];
        for (int k = 0; k < labels.length; k++) {
            double label = example.getOptions(k).getLabel();
            Requirement.holds(Double.isFinite(label), "label must be finite, was " + label);
            labels[k] = Math.clamp(label, min, LABEL_MAX);
        }
        return labels;
    }

    private PreparedExample correction(Example example, OptionRows rows) {
        int options = example.getOptionsCount();
        Requirement.holds(
                options == 1 || options == 2 && example.getOptions(1).getLabel() == 0,
                "a text to imitate is one option, and the answer it corrects a second one with label"
                        + " 0, had " + options);
        LabelledOption option = example.getOptions(0);
        int[] wanted =
                option.getIdsCount() > 0
                        ? OptionRows.ids(option)
                        : text.tokens(OptionRows.promptIds(example), option.getCandidateId());
        return new PreparedExample.Text(
                example, rows.answered(example, wanted), tokenWeights(example, wanted));
    }

    /** edit_weight for what the correction changed, 1 for what the answer had right. */
    private double[] tokenWeights(Example example, int[] wanted) {
        double[] weights = new double[wanted.length];
        Arrays.fill(weights, 1);
        double ofEdit = settings.getEditWeight() == 0 ? 1 : settings.getEditWeight();
        if (ofEdit != 1 && example.getOptionsCount() > 1) {
            int[] answer = OptionRows.ids(example.getOptions(1));
            boolean[] edited = EditedSpan.of(wanted, ended(answer, wanted));
            for (int t = 0; t < weights.length; t++) {
                weights[t] = edited[t] ? ofEdit : 1;
            }
        }
        return weights;
    }

    private int[] ended(int[] answer, int[] wanted) {
        int end = tokenizer.eosId();
        boolean ends = wanted.length > 0 && wanted[wanted.length - 1] == end;
        return ends ? EditedSpan.ended(answer, end) : answer;
    }

    private PreparedExample answer(Example example, OptionRows rows) {
        Requirement.holds(
                example.getOptionsCount() == 1 && example.getOptions(0).getIdsCount() > 0,
                "an answer that was judged is exactly one option with at least one token");
        double label = example.getOptions(0).getLabel();
        Requirement.holds(label == 1 || label == -1, "label must be 1 or -1, was " + label);
        return new PreparedExample.Answer(
                example,
                rows.answered(example, OptionRows.ids(example.getOptions(0))),
                label > 0,
                answers.objective(),
                mismatch(example, answers.other(example)));
    }

    private PreparedExample pair(Example example, OptionRows rows) {
        Requirement.holds(
                example.getOptionsCount() == 2
                        && example.getOptions(0).getLabel() == 1
                        && example.getOptions(1).getLabel() == -1,
                "a preference is two options, the preferred answer with label 1 and the other with"
                        + " label -1");
        int[] preferred = OptionRows.ids(example.getOptions(0));
        int[] other = OptionRows.ids(example.getOptions(1));
        Requirement.holds(
                preferred.length > 0 && other.length > 0 && !Arrays.equals(preferred, other),
                "the answers of a preference must differ and have at least one token each");
        return new PreparedExample.Pair(
                example, rows.answered(example, preferred, other), preferred.length, preference);
    }

    /** Another example's answer after this one's prompt; null if that does not fit. */
    private @Nullable PackedBatch mismatch(Example example, @Nullable Example other) {
        try {
            return other == null
                    ? null
                    : new OptionRows(limits, false)
                            .answered(example, OptionRows.ids(other.getOptions(0)));
        } catch (UntrainableException unfit) {
            return null;
        }
    }
}
