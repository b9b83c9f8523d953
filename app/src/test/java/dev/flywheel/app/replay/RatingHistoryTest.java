package dev.flywheel.app.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RatingHistoryTest {
    private final RatingHistory history = new RatingHistory(2);

    @Test
    void aNewUsersPromptAsksAboutTheTitleAlone() {
        assertThat(history.prompt(item("Moon (1999)", "Drama")))
                .isEqualTo("Film: Moon (1999) (Drama)\nLikes:");
    }

    @Test
    void onlyTheLatestRatingsAreShownOldestFirst() {
        history.add(item("A"), true);
        history.add(item("B", "War", "Drama"), true);
        history.add(item("C"), false);

        assertThat(history.prompt(item("D")))
                .isEqualTo("""
                        Film: B (War, Drama)
                        Likes: yes
                        Film: C
                        Likes: no
                        Film: D
                        Likes:\
                        """.stripTrailing());
    }

    private static MovieLens.Item item(String title, String... genres) {
        return new MovieLens.Item(title, List.of(genres));
    }
}
