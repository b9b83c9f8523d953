package dev.flywheel.trainer.objective;

import java.util.ArrayList;
import java.util.List;

/**
 * Learning from logged decisions by clipped importance weighting.
 *
 * <p>With pi = softmax(scores / temperature) over the candidates that were left to choose from, rho =
 * pi(action) / propensity and c = min(rho, clip):
 *
 * <ul>
 *   <li>{@link #policyGradient}: L = - sum w c (r - baseline) log pi(action) / sum w, c held
 *   constant;
 *   <li>{@link #value}: L = - sum w c (r - baseline) / sum w, differentiated through rho where rho
 *       is below the clip: the clipped inverse-propensity estimate of the policy's value, negated.
 * </ul>
 *
 * <p>Clipping: Bottou et al., JMLR 14 (2013), arXiv:1209.2355.
 */
public record BanditObjective(double temperature, double clip, double baseline) {
    public BanditObjective {
        if (!(temperature > 0)) {
            throw new IllegalArgumentException("temperature must be above 0, was " + temperature);
        }
        if (!(clip > 0)) {
            throw new IllegalArgumentException("clip must be above 0, was " + clip);
        }
    }

    /**
     * The loss of a batch.
     *
     * @param gradients dL/dscore, one array per decision, in their order
     */
    public record BatchLoss(double value, List<double[]> gradients) {}

    /** Importance-weighted policy gradient. */
    public BatchLoss policyGradient(List<LoggedDecision> decisions) {
        return batch(decisions, true);
    }

    /** Clipped inverse-propensity value. */
    public BatchLoss value(List<LoggedDecision> decisions) {
        return batch(decisions, false);
    }

    /**
     * The policy gradient of one decision of unknown propensity, which no importance weight can be
     * made of: c = 1.
     */
    public Loss unweighted(double[] scores, int action, double reward) {
        double[] logPi = Softmax.logSoftmax(scores, temperature);
        double advantage = reward - baseline;
        return new Loss(-advantage * logPi[action], logPolicyGradient(logPi, action, -advantage));
    }

    /** Returns c, the clipped importance weight of a decision. */
    public double importance(LoggedDecision decision) {
        double[] logPi = Softmax.logSoftmax(decision.scores(), temperature);
        return Math.min(rho(decision, logPi[decision.action()]), clip);
    }

    private BatchLoss batch(List<LoggedDecision> decisions, boolean policyGradient) {
        double total = 0;
        for (LoggedDecision decision : decisions) {
            total += decision.weight();
        }
        double value = 0;
        List<double[]> gradients = new ArrayList<>(decisions.size());
        for (LoggedDecision decision : decisions) {
            double share = decision.weight() / total;
            Loss loss = policyGradient ? policyGradientOf(decision) : valueOf(decision);
            value += share * loss.value();
            double[] gradient = loss.gradient();
            for (int k = 0; k < gradient.length; k++) {
                gradient[k] *= share;
            }
            gradients.add(gradient);
        }
        return new BatchLoss(value, gradients);
    }

    private Loss policyGradientOf(LoggedDecision decision) {
        double[] logPi = Softmax.logSoftmax(decision.scores(), temperature);
        double logAction = logPi[decision.action()];
        double factor = Math.min(rho(decision, logAction), clip) * (decision.reward() - baseline);
        return new Loss(-factor * logAction, logPolicyGradient(logPi, decision.action(), -factor));
    }

    private Loss valueOf(LoggedDecision decision) {
        double[] logPi = Softmax.logSoftmax(decision.scores(), temperature);
        double rho = rho(decision, logPi[decision.action()]);
        double advantage = decision.reward() - baseline;
        double slope = rho < clip ? -rho * advantage : 0; // d rho = rho d log pi
        return new Loss(
                -Math.min(rho, clip) * advantage,
                logPolicyGradient(logPi, decision.action(), slope));
    }

    private static double rho(LoggedDecision decision, double logAction) {
        return StrictMath.exp(logAction) / decision.propensity();
    }

    /** slope * d log pi(action) / d scores. */
    private double[] logPolicyGradient(double[] logPi, int action, double slope) {
        double[] gradient = new double[logPi.length];
        for (int k = 0; k < logPi.length; k++) {
            double onAction = k == action ? 1 : 0;
            gradient[k] = slope * (onAction - StrictMath.exp(logPi[k])) / temperature;
        }
        return gradient;
    }
}
