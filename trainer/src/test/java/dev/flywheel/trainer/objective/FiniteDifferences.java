package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.Function;

/** Compares an objective's gradient with central differences. */
final class FiniteDifferences {
    private static final double STEP = 1e-6;

    private FiniteDifferences() {}

    static void check(Function<double[], Loss> objective, double[] at) {
        double[] gradient = objective.apply(at).gradient();
        for (int i = 0; i < at.length; i++) {
            double[] above = at.clone();
            double[] below = at.clone();
            above[i] += STEP;
            below[i] -= STEP;
            double slope =
                    (objective.apply(above).value() - objective.apply(below).value()) / (2 * STEP);
            assertThat(gradient[i])
                    .as("derivative by input %d at %s", i, at[i])
                    .isCloseTo(slope, within(1e-7 + 1e-6 * Math.abs(slope)));
        }
    }
}
