package dev.flywheel.app.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PrequentialTest {

    @Test
    void aucIsTheShareOfPairsInTheRightOrderWithTiesHalf() {
        long seed = 7;
        SplittableRandom random = new SplittableRandom(seed);
        Prequential prequential = new Prequential();
        double[] predictions = new double[300];
        boolean[] labels = new boolean[300];
        for (int i = 0; i < 300; i++) {
            predictions[i] = random.nextInt(20) / 20.0;
            labels[i] = random.nextDouble() < predictions[i];
            prequential.add(predictions[i], labels[i]);
        }

        assertThat(prequential.auc()).as("seed %d", seed)
                .isCloseTo(pairs(predictions, labels), within(1e-12));
    }

    @Test
    void logLossOfAnEvenGuessIsLnTwo() {
        Prequential prequential = new Prequential();
        prequential.add(0.5, true);
        prequential.add(0.5, false);

        assertThat(prequential.logLoss()).isCloseTo(Math.log(2), within(1e-12));
    }

    private static double pairs(double[] predictions, boolean[] labels) {
        double right = 0;
        double all = 0;
        for (int i = 0; i < labels.length; i++) {
            for (int j = 0; j < labels.length; j++) {
                if (labels[i] && !labels[j]) {
                    all++;
                    right += predictions[i] > predictions[j] ? 1
                            : predictions[i] == predictions[j] ? 0.5
                            : 0;
                }
            }
        }
        return right / all;
    }
}
