package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.Example;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What part each user had in an adapter's last rounds: of a round its users have equal parts, as the trainer's mean over users
 * gives them. Older rounds fade by their number, not by time, so that a quiet night changes nothing. Used by one thread.
 */
public final class RecentRounds {
    /** So many rounds are remembered: the parts of all users sum to no more. */
    public static final int ROUNDS = 100;

    private static final double KEPT = 1 - 1.0 / ROUNDS;

    /** Smaller parts are forgotten: those of a round of 32 users after about 250 rounds. */
    private static final double NOTHING = 0.0025;

    /** After so many rounds of theirs others tell how many they are. */
    private static final double TELLING = 10;

    private final Map<User, Part> parts = new HashMap<>();
    private long round;
    private double rounds;

    /** What a user had when a round was counted. */
    private record Part(double of, long round) {
        double at(long now) {
            return of * Math.pow(KEPT, now - round);
        }
    }

    /** Counts a round. */
    public void count(Collection<Example> examples) {
        Set<User> users = new HashSet<>();
        examples.forEach(example -> users.add(User.of(example)));
        if (users.isEmpty()) {
            return;
        }
        round++;
        rounds = rounds * KEPT + 1;
        users.forEach(user -> parts.put(user, new Part(part(user) + 1.0 / users.size(), round)));
        if (round % ROUNDS == 0) {
            parts.values().removeIf(part -> part.at(round) < NOTHING);
        }
    }

    /** Returns how many rounds the parts of all users come to, at most {@link #ROUNDS}. */
    public double rounds() {
        return rounds;
    }

    /** Returns how many rounds the part of an example's user comes to. */
    public double partOf(Example example) {
        return part(User.of(example));
    }

    private double part(User user) {
        Part part = parts.get(user);
        return part == null ? 0 : part.at(round);
    }

    /** Parts of all users, looked at once. */
    Diversity diversity() {
        double sum = 0;
        double squares = 0;
        for (Part each : parts.values()) {
            double part = each.at(round);
            sum += part;
            squares += part * part;
        }
        return new Diversity(sum, squares);
    }

    /** The sum of all parts and that of their squares. */
    record Diversity(double sum, double squares) {
        /**
         * Returns how many users with equal parts would be as diverse as those beside one of this part: the inverse Simpson index
         * (Simpson, Nature 163, 1949; Hill, Ecology 54, 1973), less as long as they have had but a few rounds.
         */
        double others(double part) {
            double rest = sum - part;
            double restSquares = squares - part * part;
            return rest <= NOTHING || restSquares <= 0 ? 0
                    : rest * rest / restSquares * Math.min(1, rest / TELLING);
        }
    }
}
