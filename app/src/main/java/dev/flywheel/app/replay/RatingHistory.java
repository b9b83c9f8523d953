package dev.flywheel.app.replay;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What one user liked and disliked lately, and the prompt that asks about the next title.
 *
 * <p>Titles and genres only: no statistics of users or items.
 */
final class RatingHistory {
    private final Deque<Entry> recent = new ArrayDeque<>();
    private final int length;

    private record Entry(MovieLens.Item item, boolean liked) {}

    RatingHistory(int length) {
        this.length = length;
    }

    void add(MovieLens.Item item, boolean liked) {
        recent.addLast(new Entry(item, liked));
        if (recent.size() > length) {
            recent.removeFirst();
        }
    }

    String prompt(MovieLens.Item next) {
        return "Liked: %s\nDisliked: %s\nNext: %s\nLikes:"
                .formatted(titles(true), titles(false), text(next));
    }

    private String titles(boolean liked) {
        List<String> texts = new ArrayList<>();
        for (Entry entry : recent) {
            if (entry.liked == liked) {
                texts.add(text(entry.item));
            }
        }
        return texts.isEmpty() ? "nothing" : String.join("; ", texts);
    }

    private static String text(MovieLens.Item item) {
        String genres = String.join(", ", item.genres());
        return genres.isEmpty() ? item.title() : item.title() + " (" + genres + ")";
    }
}
