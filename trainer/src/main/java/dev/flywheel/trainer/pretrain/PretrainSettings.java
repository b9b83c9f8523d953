package dev.flywheel.trainer.pretrain;

import dev.flywheel.engine.backend.Activation;
import dev.flywheel.engine.backend.Backend.AdamW;
import dev.flywheel.engine.model.AttentionStyle;
import dev.flywheel.engine.model.Family;
import dev.flywheel.engine.model.ModelSpec;
import dev.flywheel.engine.model.Rope;
import java.util.List;

/**
 * Everything that shapes a pretraining besides the corpus. The same settings give the same weights on
 * one backend.
 *
 * @param seed of weights, texts and held-out texts alike; each takes its own branch
 * @param steps optimizer steps
 * @param stepTokens tokens of one step
 * @param learningRate highest learning rate, reached after the warm-up and left along a cosine
 * @param warmupShare part of the steps in which the learning rate grows
 * @param weightDecay per step, times the learning rate
 * @param textWeight what a token outside answers counts, if a token of an answer counts 1
 * @param tokenizerDocuments documents the tokenizer is learned from
 * @param examDocuments held-out documents of each skill that the result is measured on
 */
public record PretrainSettings(
        long seed,
        int steps,
        int stepTokens,
        double learningRate,
        double warmupShare,
        double weightDecay,
        double textWeight,
        int tokenizerDocuments,
        int examDocuments,
        Size size) {
    private static final int POSITIONS_MAX = 1024;
    private static final float NORM_EPSILON = 1e-5f;
    private static final double ROPE_THETA = 10_000;
    private static final double FINAL_RATE = 0.05;
    private static final float INITIALIZER_RANGE = 0.04f;
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.95f;
    private static final float ADAM_EPSILON = 1e-8f;

    /** The shape of the model. */
    public record Size(
            int vocabulary,
            int hidden,
            int layers,
            int heads,
            int kvHeads,
            int headDim,
            int intermediate) {}

    public PretrainSettings {
        require(steps >= 1, "steps must be at least 1, was " + steps);
        require(
                stepTokens >= POSITIONS_MAX,
                "step_tokens must be at least " + POSITIONS_MAX + ", was " + stepTokens);
        require(
                learningRate > 0 && learningRate < 1,
                "learning_rate must be above 0 and below 1, was " + learningRate);
        require(
                warmupShare >= 0 && warmupShare < 1,
                "warmup_share must be from 0 to below 1, was " + warmupShare);
        require(
                textWeight >= 0 && textWeight <= 1,
                "text_weight must be from 0 to 1, was " + textWeight);
    }

    /** Returns the settings that the shipped base was made with. */
    public static PretrainSettings standard() {
        return new PretrainSettings(
                2,
                8000,
                1024,
                4e-3,
                0.03,
                0.1,
                0.2,
                40_000,
                300,
                new Size(2048, 64, 4, 4, 2, 16, 192));
    }

    /** Returns the same with another seed. */
    public PretrainSettings withSeed(long otherSeed) {
        return new PretrainSettings(
                otherSeed,
                steps,
                stepTokens,
                learningRate,
                warmupShare,
                weightDecay,
                textWeight,
                tokenizerDocuments,
                examDocuments,
                size);
    }

    /** Returns the same with another number of steps; fewer give a quicker and poorer model. */
    public PretrainSettings withSteps(int otherSteps) {
        return new PretrainSettings(
                seed,
                otherSteps,
                stepTokens,
                learningRate,
                warmupShare,
                weightDecay,
                textWeight,
                tokenizerDocuments,
                examDocuments,
                size);
    }

    /** Returns the model's shape; token 0 ends a text. */
    public ModelSpec spec() {
        return new ModelSpec(
                Family.LLAMA,
                size.vocabulary(),
                size.hidden(),
                size.intermediate(),
                size.layers(),
                size.heads(),
                size.kvHeads(),
                size.headDim(),
                NORM_EPSILON,
                Activation.SILU,
                false,
                false,
                false,
                true,
                POSITIONS_MAX,
                Rope.plain(ROPE_THETA),
                INITIALIZER_RANGE,
                0,
                List.of(0),
                AttentionStyle.plain(size.headDim()),
                0,
                null);
    }

    /** Returns the optimizer's settings at a step, counted from 0. */
    AdamW optimizer(int step) {
        return new AdamW((float) rate(step), BETA1, BETA2, ADAM_EPSILON, (float) weightDecay);
    }

    private double rate(int step) {
        double warmup = Math.max(1, warmupShare * steps);
        double cosine = 0.5 * (1 + Math.cos(Math.PI * step / steps));
        return learningRate
                * Math.min(1, (step + 1) / warmup)
                * (FINAL_RATE + (1 - FINAL_RATE) * cosine);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
