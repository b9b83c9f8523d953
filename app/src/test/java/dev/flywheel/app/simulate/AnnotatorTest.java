package dev.flywheel.app.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnnotatorTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nowAndThenSaysTheOpposite(long seed) {
        Annotator annotator = new Annotator(seed, 0.05, 4);
        SplittableRandom random = new SplittableRandom(seed);
        long wrong = Stream.generate(() -> annotator.says(true, random))
                .limit(20_000)
                .filter(said -> !said)
                .count();

        assertThat(wrong / 20_000.0).as("seed %d", seed).isCloseTo(0.05, within(0.006));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void likesAboutHalfOfAllWordsAndAlwaysTheSame(long seed) {
        Annotator annotator = new Annotator(seed, 0, 4);
        List<String> words =
                Stream.iterate(0, i -> i + 1).limit(2_000).map(i -> "word" + i).toList();
        long liked = words.stream().filter(annotator::likes).count();

        assertThat(liked / 2_000.0).as("seed %d", seed).isCloseTo(0.5, within(0.05));
        assertThat(words.stream().filter(new Annotator(seed, 0, 4)::likes).count())
                .isEqualTo(liked);
    }

    @Test
    void aQuestionHasOneAnswerInAllItsWordings() {
        Annotator annotator = new Annotator(1, 0, 4);
        SplittableRandom random = new SplittableRandom(1);
        List<Annotator.Question> wordings =
                Stream.generate(() -> annotator.question(2, random)).limit(50).toList();

        assertThat(wordings.stream().map(Annotator.Question::truth).distinct()).hasSize(1);
        assertThat(wordings.stream().map(Annotator.Question::prompt).distinct())
                .hasSizeGreaterThan(2);
    }
}
