package dev.flywheel.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TrimmedMeanTest {
    private static final List<float[]> VECTORS =
            List.of(new float[] {1, 4}, new float[] {2, -90}, new float[] {90, 5},
                    new float[] {3, 6}, new float[] {4, 9});

    @Test
    void cutsBothEndsOfEachCoordinateByItself() {
        assertThat(TrimmedMean.of(VECTORS, 1)).containsExactly(3, 5);
        assertThat(TrimmedMean.of(VECTORS, 2)).containsExactly(3, 5);
        assertThat(TrimmedMean.of(VECTORS, 0)).containsExactly(20, -66 / 5f);
    }

    @Test
    void theOrderOfTheVectorsChangesNoBit() {
        List<float[]> odd = List.of(new float[] {1e8f}, new float[] {1}, new float[] {-1e8f});
        assertThat(TrimmedMean.of(odd.reversed(), 0)).isEqualTo(TrimmedMean.of(odd, 0));
    }

    @Test
    void cutsAShareOfTheVectorsRoundedDownAndLeavesAtLeastOne() {
        assertThat(TrimmedMean.cut(0.1, 9)).isZero();
        assertThat(TrimmedMean.cut(0.1, 10)).isEqualTo(1);
        assertThat(TrimmedMean.cut(0.49, 2)).isZero();
        assertThat(TrimmedMean.cut(0.499, 5)).isEqualTo(2);
        assertThat(TrimmedMean.cut(0, 4096)).isZero();
    }
}
