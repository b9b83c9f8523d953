package dev.flywheel.trainer.objective;

/**
 * A loss in nats and its derivative by each input of the objective.
 *
 * @param gradient dL/dx, in the order of the inputs; the receiver owns the array
 */
public record Loss(double value, double[] gradient) {}
