package dev.flywheel.app.replay;

import dev.flywheel.trainer.pretrain.Film;
import dev.flywheel.trainer.pretrain.Prompts;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What one user liked and disliked lately, and the prompt that asks about the next title.
 *
 * <p>Titles and genres only: no statistics of users or items.
 */
final class RatingHistory {
    private final Deque<String> recent = new ArrayDeque<>();
    private final int length;

    RatingHistory(int length) {
        this.length = length;
    }

    void add(MovieLens.Item item, boolean liked) {
        recent.addLast(Prompts.seen(film(item), liked));
        if (recent.size() > length) {
            recent.removeFirst();
        }
    }

    String prompt(MovieLens.Item next) {
        return String.join("", recent) + Prompts.next(film(next));
    }

    private static Film film(MovieLens.Item item) {
        return new Film(item.title(), item.genres());
    }
}
