package dev.flywheel.serving.runner;

import java.util.List;

/**
 * A token of an answer.
 *
 * @param logProb natural logarithm of the model's own probability of it
 * @param top the most probable tokens in its place, best first; empty unless asked for
 */
public record DrawnToken(int id, double logProb, List<Chance> top) {

    /** A token and the natural logarithm of the model's own probability of it. */
    public record Chance(int id, double logProb) {}
}
