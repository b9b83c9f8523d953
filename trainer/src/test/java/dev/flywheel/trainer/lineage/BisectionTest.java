package dev.flywheel.trainer.lineage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.trainer.lineage.Bisection.Finding;
import dev.flywheel.trainer.lineage.Bisection.Line;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BisectionTest {
    /** Passes until a round of these has its part in a line. */
    private static Predicate<Line> spoiltBy(Set<Integer> rounds) {
        return line -> rounds.stream()
                .noneMatch(round -> round < line.rounds() && !line.without().contains(round));
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void allGuiltyRoundsAreFoundAndNoOthers(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int trial = 0; trial < 200; trial++) {
            int rounds = 1 + random.nextInt(60);
            Set<Integer> guilty = new TreeSet<>();
            for (int i = 0; i < random.nextInt(4); i++) {
                guilty.add(random.nextInt(rounds));
            }
            Finding finding = Bisection.of(rounds, 4, spoiltBy(guilty));
            assertThat(finding.guilty()).containsExactlyElementsOf(guilty);
            assertThat(finding.checks())
                    .isLessThanOrEqualTo(2 + guilty.size() * (2 + 32 - Integer
                            .numberOfLeadingZeros(rounds)));
        }
    }

    @Test
    void aCheckThatFailsBeforeTheFirstRoundIsTold() {
        assertThatThrownBy(() -> Bisection.of(5, 1, line -> false))
                .isInstanceOf(LineageException.class)
                .hasMessageContaining("fails before the first round already");
    }

    @Test
    void moreGuiltyRoundsThanMayBeAreTold() {
        assertThatThrownBy(() -> Bisection.of(5, 1, spoiltBy(Set.of(1, 3))))
                .hasMessageContaining("still fails without rounds [1]");
    }

    @Test
    void whereAllPassNoneIsGuilty() {
        assertThat(Bisection.of(7, 1, line -> true)).isEqualTo(new Finding(List.of(), 2));
    }
}
