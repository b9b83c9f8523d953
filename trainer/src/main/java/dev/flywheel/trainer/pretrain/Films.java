package dev.flywheel.trainer.pretrain;

import dev.flywheel.adapters.random.SeededRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Invented films and viewers who like them by genre, by quality and by temper. */
final class Films {
    private static final int OLDEST = 1935;
    private static final int NEWEST = 2017;
    private static final double TEMPER_SPREAD = 1.6;
    private static final double TASTE_SPREAD = 1.0;
    private static final double NOISE_SPREAD = 0.6;

    /** Some words are made up, because no list holds what real titles are made of. */
    private static final double WORDS_KNOWN = 0.75;

    private final List<String> adjectives;
    private final List<String> nouns;
    private final List<String> places;
    private final List<String> genres;

    Films() {
        WordLists words = WordLists.load("words.txt");
        this.adjectives = words.words("film_adjectives");
        this.nouns = words.words("film_nouns");
        this.places = words.words("film_places");
        this.genres = words.words("genres");
    }

    Film film(SeededRandom random) {
        List<String> drawn = Readers.shuffled(genres, random).subList(0, 1 + random.nextInt(3));
        // In list order, as real catalogues have them.
        List<String> chosen = genres.stream().filter(drawn::contains).toList();
        return new Film(title(random) + " (" + year(random) + ")", chosen);
    }

    private static int year(SeededRandom random) {
        double recent = Math.sqrt(random.nextDouble());
        return OLDEST + (int) (recent * (NEWEST - OLDEST + 1));
    }

    private String title(SeededRandom random) {
        String title = shortTitle(random);
        return random.chance(0.12) ? title + ": " + shortTitle(random) : title;
    }

    private String shortTitle(SeededRandom random) {
        String adjective = word(adjectives, random);
        String noun = word(nouns, random);
        return switch (random.nextInt(10)) {
            case 0 -> adjective + " " + noun + ", The";
            case 1 -> noun + " of " + word(places, random);
            case 2 -> noun + " " + (2 + random.nextInt(3));
            case 3 -> word(nouns, random) + " and the " + noun + ", The";
            case 4 -> noun;
            case 5 -> "My " + adjective + " " + noun;
            case 6 -> word(nouns, random) + " & " + word(nouns, random);
            case 7 -> word(nouns, random) + "'s " + noun;
            case 8 -> word(nouns, random) + " in " + word(places, random);
            default -> adjective + " " + noun;
        };
    }

    private static String word(List<String> known, SeededRandom random) {
        return random.chance(WORDS_KNOWN) ? random.pick(known) : InventedWord.capitalized(random);
    }

    Viewer viewer(SeededRandom random) {
        Map<String, Double> tastes = new HashMap<>();
        for (String genre : genres) {
            tastes.put(genre, TASTE_SPREAD * random.nextGaussian());
        }
        return new Viewer(TEMPER_SPREAD * random.nextGaussian(), tastes);
    }

    /** Somebody with a temper (how easily pleased) and tastes by genre. */
    record Viewer(double temper, Map<String, Double> tastes) {
        boolean likes(Film film, SeededRandom random) {
            double taste =
                    film.genres()
                            .stream()
                            .mapToDouble(g -> tastes.getOrDefault(g, 0.0))
                            .average()
                            .orElse(0);
            return temper + taste + NOISE_SPREAD * random.nextGaussian() > 0;
        }
    }
}
