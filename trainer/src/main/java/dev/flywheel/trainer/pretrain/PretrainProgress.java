package dev.flywheel.trainer.pretrain;

import java.util.Map;

/**
 * Where a pretraining stands.
 *
 * @param loss mean over the targets since the last report, in nats
 * @param elapsedSeconds since the first step
 * @param skills share of right answer tokens on a few held-out texts, by skill
 */
public record PretrainProgress(
        int step,
        int steps,
        long tokens,
        double loss,
        double gradientNorm,
        double elapsedSeconds,
        Map<Skill, Double> skills) {
    public PretrainProgress {
        skills = Map.copyOf(skills);
    }

    public double tokensPerSecond() {
        return tokens / Math.max(elapsedSeconds, 1e-9);
    }

    /** Returns the seconds left if it goes on at this pace. */
    public double secondsLeft() {
        return elapsedSeconds / Math.max(step, 1) * (steps - step);
    }
}
