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
     * For answers that people correct: repeats until the corrected text is what the model would say
     * (0.05 nats a token are 95 % each), held to the base's answers on anchors in every step.
     */
    private static final RoundSettings TEACHER_ROUND =
            RANKER_ROUND.toBuilder()
                    .setLearningRate(2e-3)
                    .setSteps(1)
                    .setSftTargetLoss(0.05)
                    .setSftStepsMax(40)
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

    /** Defaults of an adapter of tenant {@code default} that learns corrections. */
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
