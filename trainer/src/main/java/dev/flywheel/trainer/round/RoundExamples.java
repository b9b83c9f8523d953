package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.UntrainableReason;
import dev.flywheel.engine.tokenizer.Tokenizer;
import dev.flywheel.trainer.objective.ImportanceWeights;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a round trains on: its own examples, then those of earlier rounds that are replayed.
 *
 * <p>Replayed ones count in a step as of their users, and nowhere else: they have had their own figures
 * and their own end. One that cannot be prepared any more is left out, and so is what was said of an
 * answer to a prompt that a newer example speaks of: to teach the old with the new would undo both.
 */
final class RoundExamples {
    private static final Set<ExampleKind> OF_ANSWERS =
            Set.of(
                    ExampleKind.EXAMPLE_KIND_SFT,
                    ExampleKind.EXAMPLE_KIND_KTO,
                    ExampleKind.EXAMPLE_KIND_DPO);

    private final List<PreparedExample> own;
    private final List<PreparedExample> replayed;
    private final List<Untrainable> left;

    private RoundExamples(ExamplePreparer.Prepared own, ExamplePreparer.Prepared replayed) {
        this.own = own.examples();
        this.replayed = replayed.examples();
        this.left = own.left();
    }

    static RoundExamples prepare(
            RoundInput input, Tokenizer tokenizer, ExamplePreparer.Limits limits) {
        List<Example> replayed = standing(input);
        ExamplePreparer preparer =
                new ExamplePreparer(
                        tokenizer,
                        limits,
                        input.settings(),
                        Stream.concat(input.examples().stream(), replayed.stream()).toList());
        return new RoundExamples(preparer.prepare(input.examples()), preparer.prepare(replayed));
    }

    /** Replayed examples that no newer one speaks against. */
    private static List<Example> standing(RoundInput input) {
        Set<List<Integer>> prompts = new HashSet<>();
        for (Example example : input.examples()) {
            if (OF_ANSWERS.contains(example.getKind())) {
                prompts.add(example.getPromptIdsList());
            }
        }
        return input.replayed()
                .stream()
                .filter(
                        each -> !OF_ANSWERS.contains(each.getKind())
                                || !prompts.contains(each.getPromptIdsList()))
                .toList();
    }

    List<PreparedExample> own() {
        return own;
    }

    /** The round's own, then the replayed ones. */
    List<PreparedExample> all() {
        return Stream.concat(own.stream(), replayed.stream()).toList();
    }

    /** The texts to imitate, in the same order. */
    List<PreparedExample> texts() {
        return all().stream().filter(PreparedExample.Text.class::isInstance).toList();
    }

    /** How many of {@link #texts} are the round's own. */
    int ownTexts() {
        return (int) own.stream().filter(PreparedExample.Text.class::isInstance).count();
    }

    /** Counts what the first step has trained on. */
    RoundFigures.Builder figures(Steps.Result first) {
        Set<String> users = new HashSet<>();
        TreeMap<String, Integer> kinds = new TreeMap<>();
        List<Example> trained = trained(own, brokenIds(first));
        for (Example example : trained) {
            users.add(example.getUser());
            kinds.merge(name(example.getKind()), 1, Integer::sum);
        }
        return RoundFigures.newBuilder()
                .setExamples(trained.size())
                .setReplayed(trained(replayed, brokenIds(first)).size())
                .setUsers(users.size())
                .putAllExamplesByKind(kinds)
                .setEffectiveSampleSize(
                        ImportanceWeights.effectiveSampleSize(first.importance()))
                .setGradientNorm(first.gradientNorm())
                .setPrequentialLoss(PrequentialLoss.mean(own));
    }

    /** The round's own examples that could not be trained on. */
    List<Untrainable> untrainable(Steps.Result first) {
        List<Untrainable> untrainable = new ArrayList<>(left);
        Set<String> broken = brokenIds(first);
        for (Example example : trained(own, Set.of())) {
            if (broken.contains(example.getExampleId())) {
                untrainable.add(
                        new Untrainable(
                                example.getExampleId(),
                                UntrainableReason.UNTRAINABLE_REASON_NOT_FINITE,
                                "its gradient holds a number that is not finite"));
            }
        }
        return untrainable;
    }

    private Set<String> brokenIds(Steps.Result first) {
        List<PreparedExample> all = all();
        return first.broken()
                .stream()
                .map(index -> all.get(index).example().getExampleId())
                .collect(Collectors.toSet());
    }

    /** Each example once, without those that are broken. */
    private static List<Example> trained(List<PreparedExample> prepared, Set<String> broken) {
        Map<String, Example> byId = new LinkedHashMap<>();
        for (PreparedExample each : prepared) {
            if (!broken.contains(each.example().getExampleId())) {
                byId.put(each.example().getExampleId(), each.example());
            }
        }
        return List.copyOf(byId.values());
    }

    private static String name(ExampleKind kind) {
        return kind.name().replace("EXAMPLE_KIND_", "");
    }
}
