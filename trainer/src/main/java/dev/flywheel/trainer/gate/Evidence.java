package dev.flywheel.trainer.gate;

/**
 * What was measured of a candidate.
 *
 * @param finite whether every weight and every probe logit is a finite number
 * @param norm Euclidean norm of the whole A and B
 * @param effect largest change of a probe logit against the parent
 * @param noise change that rounding alone could make
 * @param divergence mean KL divergence from the base on the probe rows, nats
 */
public record Evidence(
        boolean finite,
        double norm,
        double effect,
        double noise,
        double divergence) {}
