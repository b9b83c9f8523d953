package dev.flywheel.app.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What a learning arm's answers were worth beside a frozen arm's to the same questions. For one thread.
 */
final class Gains {
    static final String TARGET =
            "the learned arm's reward, over the second half, is above the frozen arm's: the 95 % interval of the difference excludes"
                    + " zero (over seeds; of a single one over its answers)";

    private static final String DIFFERENCE = "difference";
    private static final String REWARD = "reward";
    private static final String HALF_WIDTH = "rewardHalfWidth";

    private final List<Double> learned = new ArrayList<>();
    private final List<Double> frozen = new ArrayList<>();

    void add(double learnedReward, double frozenReward) {
        learned.add(learnedReward);
        frozen.add(frozenReward);
    }

    /** Returns the means of both arms over the last so many answers, for the progress. */
    String recently(int count) {
        return String.format(Locale.ROOT, "learned %.3f, frozen %.3f", mean(tail(learned, count)),
                mean(tail(frozen, count)));
    }

    /**
     * Adds the figures of both arms, and of their difference over the second half.
     *
     * @param kind set before the arms' names where there are several; else empty
     */
    SeedFigures into(SeedFigures figures, String kind) {
        int half = learned.size() / 2;
        List<Double> differences = IntStream.range(half, learned.size())
                .mapToObj(i -> learned.get(i) - frozen.get(i))
                .toList();
        Interval difference = Interval.of(differences);
        return figures
                .with(arm(kind, "learned"), REWARD, mean(tail(learned, learned.size() - half)))
                .with(arm(kind, "learned"), "rewardFirstHalf", mean(learned.subList(0, half)))
                .with(arm(kind, "frozen"), REWARD, mean(tail(frozen, frozen.size() - half)))
                .with(arm(kind, DIFFERENCE), REWARD, difference.mean())
                .with(arm(kind, DIFFERENCE), HALF_WIDTH, difference.halfWidth());
    }

    private static String arm(String kind, String name) {
        return kind.isEmpty() ? name : kind + " " + name;
    }

    /** Whether the difference's interval excludes zero. */
    static boolean met(List<SeedFigures> seeds, String kind) {
        String arm = arm(kind, DIFFERENCE);
        if (seeds.size() == 1) {
            SeedFigures only = seeds.getFirst();
            return only.figure(arm, REWARD) - only.figure(arm, HALF_WIDTH) > 0;
        }
        return Interval.of(seeds.stream().map(seed -> seed.figure(arm, REWARD)).toList())
                .aboveZero();
    }

    private static List<Double> tail(List<Double> values, int count) {
        return values.subList(Math.max(0, values.size() - count), values.size());
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }
}
