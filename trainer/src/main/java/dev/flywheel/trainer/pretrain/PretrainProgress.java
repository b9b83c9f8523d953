package dev.flywheel.trainer.pretrain;

/**
 * Where a pretraining stands.
 *
 * @param loss mean over the targets since the last report, in nats
 * @param elapsedSeconds since the first step
 */
public record PretrainProgress(
        int step,
        int steps,
        long tokens,
        double loss,
        double gradientNorm,
        double elapsedSeconds) {
    public double tokensPerSecond() {
        return tokens / Math.max(elapsedSeconds, 1e-9);
    }

    /** Returns the seconds left if it goes on at this pace. */
    public double secondsLeft() {
        return elapsedSeconds / Math.max(step, 1) * (steps - step);
    }
}
