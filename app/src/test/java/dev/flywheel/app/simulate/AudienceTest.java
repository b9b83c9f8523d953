package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AudienceTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void eachReaderLikesExactlyOneOfTheCandidatesAndAnotherAfterADrift(long seed) {
        Audience audience = new Audience(seed, 4);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 100; i++) {
            Audience.Reader reader = audience.reader(random);
            List<Audience.Item> items = audience.candidates(random);
            List<Audience.Item> now = liked(audience, reader, items, 0);
            List<Audience.Item> later = liked(audience, reader, items, 1);

            assertThat(now).as("seed %d", seed).hasSize(1).doesNotContainAnyElementsOf(later);
            assertThat(later).as("seed %d", seed).hasSize(1);
        }
    }

    private static List<Audience.Item> liked(Audience audience, Audience.Reader reader,
            List<Audience.Item> items, int phase) {
        return items.stream().filter(item -> audience.likes(reader, item, phase)).toList();
    }

    @Test
    void aSeedGivesTheSameReadersAndItems() {
        Audience one = new Audience(5, 4);
        Audience other = new Audience(5, 4);

        assertThat(one.reader(new SplittableRandom(1))).isEqualTo(other.reader(
                new SplittableRandom(1)));
        assertThat(one.candidates(new SplittableRandom(2)))
                .isEqualTo(other.candidates(new SplittableRandom(2)))
                .isNotEqualTo(new Audience(6, 4).candidates(new SplittableRandom(2)));
    }

    @Test
    void nobodyLikesWhatIsUnloved() {
        Audience audience = new Audience(3, 4);
        Audience.Item item = audience.unloved(0);
        SplittableRandom random = new SplittableRandom(3);
        for (int phase = 0; phase < 4; phase++) {
            assertThat(audience.likes(audience.reader(random), item, phase)).isFalse();
        }
    }
}
