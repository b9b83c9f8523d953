package dev.flywheel.app.load;

import dev.flywheel.adapters.random.SeededRandom;
import java.util.Arrays;

/**
 * Which of many is asked: the i-th, from 1, with a probability proportional to i^-alpha, as adapters are in S-LoRA's load (Sheng et al.,
 * 2023). Thread-safe but for its random numbers.
 */
public final class PowerLaw {
    private final double[] upTo;

    /**
     * Makes a law.
     *
     * @param count how many there are, at least 1
     * @param alpha 0: all alike; the more, the fewer get most
     */
    public PowerLaw(int count, double alpha) {
        upTo = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Math.pow(i + 1.0, -alpha);
            upTo[i] = sum;
        }
    }

    /** Draws an index from 0. */
    public int draw(SeededRandom random) {
        double at = random.nextDouble() * upTo[upTo.length - 1];
        int found = Arrays.binarySearch(upTo, at);
        return Math.min(found >= 0 ? found + 1 : -found - 1, upTo.length - 1);
    }
}
