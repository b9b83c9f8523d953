package dev.flywheel.trainer.adapter;

import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RoundSettings;
import java.util.List;
import java.util.Set;

/** What an adapter is made with. */
public record AdapterSettings(
        String tenant,
        LoraSettings lora,
        RoundSettings round,
        ReleasePolicy release) {
    /**
     * Every attention and feed-forward projection: a taste learned in a few clicks needs all of
     * them more than it needs a higher rank.
     */
    private static final LoraSettings LORA =
            LoraSettings.newBuilder()
                    .setRank(8)
                    .setAlpha(16)
                    .addAllTargetModules(
                            List.of(
                                    "q_proj",
                                    "k_proj",
                                    "v_proj",
                                    "o_proj",
                                    "gate_proj",
                                    "up_proj",
                                    "down_proj"))
                    .setSeed(1)
                    .build();

    /**
     * For rankers on the built-in base, which learn from clicks:
     *
     * <ul>
     *   <li>three steps of 5e-4 a round rather than one larger: AdamW's first steps move every
     *       element by the whole rate, and tastes that drifted are unlearned sooner, and more
     *       surely, in small steps;
     *   <li>beta2 of 0.99, not 0.999: tastes drift within minutes, and the second moment must
     *       forget as fast;
     *   <li>every example's gradient cut to length 1, far below its usual length of ten or more: a
     *       click counts as a click whatever the model believed, so that surprise cannot shake it;
     *       scores rank well but are no longer probabilities;
     *   <li>no anchors, and no leash on the scored rows: a ranker's answers are its verdicts, and
     *       the leash costs a pass of the base, half of a round again. Weight decay pulls home.
     * </ul>
     */
    private static final RoundSettings RANKER_ROUND =
            RoundSettings.newBuilder()
                    .setLearningRate(5e-4)
                    .setBeta1(0.9)
                    .setBeta2(0.99)
                    .setEpsilon(1e-8)
                    .setWeightDecay(1e-3)
                    .setSteps(3)
                    .setGradientClip(1)
                    .setKlWeight(0)
                    .setImportanceClip(10)
                    .setNormMax(200)
                    .setExamplesMax(32)
                    .build();

    /**
     * For clicks that are learned as probabilities (BINARY). All of it is against what keeps a ranker's
     * scores from being probabilities:
     *
     * <ul>
     *   <li>one step a round: a second step over the same examples moves what is rare less than what is
     *       common;
     *   <li>beta2 of 0.999: the second moment follows no single round, or a round with a click, whose
     *       gradient is long, would take a shorter step than one with silence;
     *   <li>twice the ranker's rate, for a third of its steps. The clip stays at 1, which of a verdict
     *       cuts how steep the model is and not how wrong it was.
     * </ul>
     */
    private static final RoundSettings ESTIMATOR_ROUND =
            RANKER_ROUND.toBuilder().setSteps(1).setLearningRate(1e-3).setBeta2(0.999).build();

    /**
     * For rewards of decisions (BANDIT): as a ranker, measured against a reward of 0.3, so that what
     * brings nothing is learned from too. On the built-in base, with items of which a third bring 0.8 and
     * the others 0.1, the expected reward rises from 0.38 to 0.64 in 960 decisions; with a baseline of 0 to
     * 0.56, since a policy that only hears of its successes grows sure of what it tries most.
     */
    private static final RoundSettings DECIDER_ROUND =
            RANKER_ROUND.toBuilder().setRewardBaseline(0.3).build();

    /**
     * For answers that people judge: corrections repeat until the corrected text is what the model would
     * say (0.05 nats a token are 95 % each), held to the base's answers on anchors in every step.
     *
     * <ul>
     *   <li>edit_weight of 4: what a correction changed counts four times what the answer had right. Taught
     *       facts come out at 96 % instead of 95 %, with as many unrelated answers unchanged;
     *   <li>thumbs and preferences take one step of 2e-3 a round at beta 0.1: eight of them a round bring
     *       the better of two answers from 72 % to 81-91 % in three rounds and above 99 % in 25, while 93 to
     *       98 % of the base's facts stay; with a ranker's settings, without anchors, 75 to 83 % do.
     * </ul>
     *
     * <p>trim_share is 0 in all defaults: by coordinate a trimmed mean cuts what few users say of
     * something that the others do not speak of.
     */
    private static final RoundSettings TEACHER_ROUND =
            RANKER_ROUND.toBuilder()
                    .setLearningRate(2e-3)
                    .setSteps(1)
                    .setSftTargetLoss(0.05)
                    .setSftStepsMax(40)
                    .setEditWeight(4)
                    .setAnchorWeight(1)
                    .setAnchorsPerStep(8)
                    .build();

    public AdapterSettings {
        List<String> problems = RoundRanges.problems(round);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
    }

    /** Defaults of a ranker of tenant {@code default} that serves each version at once. */
    public static AdapterSettings ranker() {
        return new AdapterSettings(
                "default", LORA, RANKER_ROUND, ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
    }

    /** Defaults of a ranker of tenant {@code default} whose scores are to be click rates (BINARY). */
    public static AdapterSettings estimator() {
        return ranker().withRound(ESTIMATOR_ROUND);
    }

    /** Defaults of a ranker of tenant {@code default} that learns from rewards (BANDIT). */
    public static AdapterSettings decider() {
        return ranker().withRound(DECIDER_ROUND);
    }

    /** Defaults of an adapter of tenant {@code default} that learns corrections, thumbs and preferences. */
    public static AdapterSettings teacher() {
        return new AdapterSettings(
                "default", LORA, TEACHER_ROUND, ReleasePolicy.RELEASE_POLICY_IMMEDIATE);
    }

    /**
     * Returns the same on those of the targets that a base has: where experts take the place of the
     * feed-forward part, the projections of attention. For defaults alone, since whoever names a
     * target wants to hear that it is missing.
     *
     * @param modules the base's linear modules by full name
     */
    public AdapterSettings onTargetsOf(Set<String> modules) {
        List<String> targets =
                lora.getTargetModulesList()
                        .stream()
                        .filter(
                                target -> modules.stream()
                                        .anyMatch(module -> module.endsWith("." + target)))
                        .toList();
        return withLora(
                lora.toBuilder().clearTargetModules().addAllTargetModules(targets).build());
    }

    public AdapterSettings withTenant(String other) {
        return new AdapterSettings(other, lora, round, release);
    }

    public AdapterSettings withLora(LoraSettings other) {
        return new AdapterSettings(tenant, other, round, release);
    }

    public AdapterSettings withRound(RoundSettings other) {
        return new AdapterSettings(tenant, lora, other, release);
    }
}
