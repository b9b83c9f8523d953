package dev.flywheel.trainer.lineage;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Finds the rounds that spoilt an adapter, by a check of what it is after a part of them.
 *
 * <p>It halves: after the first {@code k} rounds the adapter passes, after more it fails, so the round in between did it. That
 * round is left out from then on, and the search goes on until what all others come to passes. It finds one round with about
 * log2(n) checks, and takes for granted that a spoilt adapter stays so: a later round that mends what an earlier one spoilt hides
 * both.
 */
public final class Bisection {
    private final int rounds;
    private final Predicate<Line> passes;
    private final List<Integer> guilty = new ArrayList<>();
    private int checks;

    /**
     * What is to be checked: the adapter after the first rounds, less the guilty ones.
     *
     * @param rounds how many, the guilty ones included
     * @param without indexes of rounds that are left out, from 0
     */
    public record Line(int rounds, List<Integer> without) {
        public Line {
            without = List.copyOf(without);
        }
    }

    /**
     * What was found.
     *
     * @param guilty indexes of rounds, from 0, lowest first; what all others come to passes
     * @param checks how many lines were checked
     */
    public record Finding(List<Integer> guilty, int checks) {
        public Finding {
            guilty = List.copyOf(guilty);
        }
    }

    private Bisection(int rounds, Predicate<Line> passes) {
        this.rounds = rounds;
        this.passes = passes;
    }

    /**
     * Searches.
     *
     * @param rounds how many there are
     * @param guiltyMax how many may be found
     * @throws LineageException if what is there before the first round fails already, or more are guilty
     */
    public static Finding of(int rounds, int guiltyMax, Predicate<Line> passes) {
        return new Bisection(rounds, passes).search(guiltyMax);
    }

    private Finding search(int guiltyMax) {
        if (!passes(0)) {
            throw new LineageException(LineageException.Code.CHECK_FAILS,
                    "the check fails before the first round already; begin at an earlier version, or see to the check");
        }
        int good = 0;
        while (!passes(rounds)) {
            if (guilty.size() == guiltyMax) {
                throw new LineageException(LineageException.Code.CHECK_FAILS,
                        "the check still fails without rounds %s; more than %d are guilty, or none alone is"
                                .formatted(guilty, guiltyMax));
            }
            good = firstBad(good) - 1;
            guilty.add(good);
        }
        return new Finding(guilty, checks);
    }

    /** The fewest rounds after which it fails; after {@code good} it passes, after all it fails. */
    private int firstBad(int good) {
        int passing = good;
        int failing = rounds;
        while (failing - passing > 1) {
            int middle = (passing + failing) >>> 1;
            if (passes(middle)) {
                passing = middle;
            } else {
                failing = middle;
            }
        }
        return failing;
    }

    private boolean passes(int first) {
        checks++;
        return passes.test(new Line(first, guilty));
    }
}
