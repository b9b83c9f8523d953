package dev.flywheel.trainer.objective;

/**
 * One decision of a logged policy with what it earned.
 *
 * @param scores of the candidates it was left to choose from, as they are now, nats; the policy is
 *     softmax(scores / temperature)
 * @param action index of the candidate that was taken
 * @param propensity probability with which it was taken, (0, 1]
 * @param reward what it earned
 * @param weight of the decision in the average
 */
public record LoggedDecision(
        double[] scores,
        int action,
        double propensity,
        double reward,
        double weight) {
    public LoggedDecision {
        if (action < 0 || action >= scores.length) {
            throw new IllegalArgumentException(
                    "action " + action + " is outside [0, " + scores.length + ")");
        }
        if (!(propensity > 0 && propensity <= 1)) {
            throw new IllegalArgumentException(
                    "propensity must be in (0, 1], was "
                            + propensity
                            + "; a decision of unknown propensity cannot be importance weighted");
        }
    }
}
