package dev.flywheel.trainer.pretrain;

import java.util.List;

/** A film as a prompt shows it. */
public record Film(String title, List<String> genres) {
    public Film {
        genres = List.copyOf(genres);
    }

    /** Returns {@code Title (1987) (Drama, War)}; without genres the second part is left out. */
    public String line() {
        return genres.isEmpty() ? title : title + " (" + String.join(", ", genres) + ")";
    }
}
