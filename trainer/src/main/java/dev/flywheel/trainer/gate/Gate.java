package dev.flywheel.trainer.gate;

import java.util.Locale;

/**
 * Decides whether a candidate may become a version, by what costs milliseconds.
 *
 * <p>In this order: finite, not larger than the adapter's cap, an effect beyond rounding (an update
 * that was never delivered must not pass for one that did nothing), not too far from the base.
 *
 * @param divergenceMax largest mean KL divergence from the base on the probe rows, nats
 */
public record Gate(double divergenceMax) {
    /**
     * A useful adapter moves probe rows by a few nats at most; at 12 nats the base's words have
     * lost five decimal places of their probability.
     */
    public static final Gate DEFAULT = new Gate(12);

    public Gate {
        if (!(divergenceMax > 0)) {
            throw new IllegalArgumentException(
                    "divergence_max must be above 0, was " + divergenceMax);
        }
    }

    /**
     * @param normMax the adapter's cap; 0: none
     */
    public Verdict judge(Evidence evidence, double normMax) {
        if (!evidence.finite() || !Double.isFinite(evidence.norm())) {
            return refused(
                    "candidate holds a number that is not finite; lower the learning rate or clip"
                            + " the gradient");
        }
        if (normMax > 0 && evidence.norm() > normMax) {
            return refused(
                    "candidate has norm %.4g, allowed is %.4g; lower the learning rate or raise"
                            + " norm_max",
                    evidence.norm(), normMax);
        }
        if (!(evidence.effect() > evidence.noise())) {
            return refused(
                    "candidate moves no probe logit by more than rounding: %.3g, rounding is %.3g;"
                            + " its examples teach nothing new",
                    evidence.effect(), evidence.noise());
        }
        if (!(evidence.divergence() <= divergenceMax)) {
            return refused(
                    "candidate is %.4g nats from the base, allowed is %.4g; raise kl_weight or"
                            + " roll back",
                    evidence.divergence(), divergenceMax);
        }
        return new Verdict.Passed();
    }

    private static Verdict refused(String format, Object... figures) {
        return new Verdict.Refused(String.format(Locale.ROOT, format, figures));
    }
}
