package dev.flywheel.app.ope;

import dev.flywheel.serving.rank.RankPolicy;

/**
 * The policy that is asked about.
 *
 * @param name as it was given
 * @param ranking what it does with scores
 */
public record TargetPolicy(String name, RankPolicy ranking) {
    private static final String ALLOWED =
            "allowed are uniform, greedy, plackett-luce:TEMPERATURE and"
                    + " epsilon-uniform:EPSILON[:TEMPERATURE]";

    /** @throws IllegalArgumentException with what is allowed */
    public static TargetPolicy parse(String text) {
        String[] parts = text.split(":", -1);
        RankPolicy ranking = switch (parts[0]) {
            case "uniform" -> of(text, parts, 1, 0, 1);
            case "greedy" -> of(text, parts, 1, 0, 0);
            case "plackett-luce" -> of(text, parts, 2, number(text, parts, 1), 0);
            case "epsilon-uniform" -> of(text, parts, 3,
                    parts.length > 2 ? number(text, parts, 2) : 0, number(text, parts, 1));
            default -> throw refused(text, "is no policy");
        };
        return new TargetPolicy(text, ranking);
    }

    private static RankPolicy of(String text, String[] parts, int partsMax, double temperature,
            double epsilon) {
        if (parts.length > partsMax) {
            throw refused(text, "has too many parts");
        }
        try {
            return new RankPolicy(temperature, epsilon, 0);
        } catch (IllegalArgumentException e) {
            throw refused(text, String.valueOf(e.getMessage()));
        }
    }

    private static double number(String text, String[] parts, int index) {
        if (parts.length <= index) {
            throw refused(text, "lacks a number");
        }
        try {
            return Double.parseDouble(parts[index]);
        } catch (NumberFormatException e) {
            throw refused(text, "has '" + parts[index] + "', which is no number");
        }
    }

    private static IllegalArgumentException refused(String text, String why) {
        return new IllegalArgumentException("'%s' %s; %s".formatted(text, why, ALLOWED));
    }

    /** Whether it chooses without looking at scores. */
    public boolean blind() {
        return ranking.epsilon() == 1;
    }
}
