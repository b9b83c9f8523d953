package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.ExampleKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Picks the examples of a round so that no user has more than their share of it, nor of the last rounds.
 *
 * <p>Of one round what is left over is not refused: it waits for the next. But a round of few users moves an adapter as far as
 * one of many, so whoever sends much would be given rounds of their own. So a user may have no more than three times an equal
 * share of the {@link RecentRounds}, which is all of them for one who is alone or has one or two others beside them. What is
 * beyond it follows in rounds of many others, where it weighs little; where there are none it is too much. Corrections are
 * free of that: they have an hourly budget of their own, and whoever writes one wants it learned at once.
 */
public final class RoundShare {
    /** As many times an equal share may a user have of the recent rounds. */
    static final double EQUAL_SHARES = 3;

    /** As many rounds are anybody's. */
    static final double FREE = 4;

    private final String profile;
    private final double shareMax;

    public RoundShare(GuardProfile profile) {
        this.profile = profile.name();
        this.shareMax = profile.roundShareMax();
    }

    /**
     * The next round, or what there can be no round for: of one, and only of one, there is none.
     *
     * @param round oldest first
     * @param tooMuch what waits of users who have had more than their share already, where nobody else's waits
     */
    public record Pick<T>(List<T> round, List<T> tooMuch) {
        public Pick {
            round = List.copyOf(round);
            tooMuch = List.copyOf(tooMuch);
        }
    }

    /**
     * Returns what goes into the next round: at most {@code examplesMax}, at most the share of one user, at most one example of
     * an id, and none of users who would have more than their share of the recent rounds.
     */
    public <T> Pick<T> pick(Iterable<T> waiting, Function<T, Example> example, int examplesMax,
            RecentRounds recent) {
        List<T> all = new ArrayList<>();
        waiting.forEach(all::add);
        List<T> allowed = all;
        List<T> picked = ofOneRound(allowed, example, examplesMax);
        while (shareMax > 0) {
            Set<User> over = over(picked, example, recent);
            if (over.isEmpty()) {
                break;
            }
            // Fewer users have larger parts, so look again.
            allowed = allowed.stream()
                    .filter(each -> !weighs(example.apply(each))
                            || !over.contains(User.of(example.apply(each))))
                    .toList();
            picked = ofOneRound(allowed, example, examplesMax);
        }
        return new Pick<>(picked, picked.isEmpty() ? all : List.of());
    }

    /** Says what came and what is allowed. */
    public String objection() {
        return "profile %s allows one user no more than %.0f of an adapter's last %d rounds, or %.2f of them, or %.0f times an equal share"
                .formatted(profile, FREE, RecentRounds.ROUNDS, shareMax, EQUAL_SHARES);
    }

    private <T> Set<User> over(List<T> picked, Function<T, Example> example, RecentRounds recent) {
        List<Example> round = picked.stream().map(example).toList();
        double part = 1.0 / round.stream().map(User::of).distinct().count();
        RecentRounds.Diversity diversity = recent.diversity();
        return round.stream()
                .filter(RoundShare::weighs)
                .filter(each -> recent.partOf(each)
                        + part > most(recent.rounds(), diversity.others(recent.partOf(each))))
                .map(User::of)
                .collect(Collectors.toSet());
    }

    /** Returns how many of the recent rounds a user's part may come to beside so many others. */
    private double most(double rounds, double others) {
        return Math.max(FREE, rounds * Math.max(shareMax, EQUAL_SHARES / (1 + others)));
    }

    private static boolean weighs(Example example) {
        return example.getKind() != ExampleKind.EXAMPLE_KIND_SFT;
    }

    private <T> List<T> ofOneRound(List<T> all, Function<T, Example> example, int examplesMax) {
        int size = Math.min(examplesMax, all.size());
        // Fewer may be picked than the size the share is of, so shrink until the share holds of what is picked.
        List<T> picked = first(all, example, size, perUser(size));
        while (perUser(picked.size()) < perUser(size)) {
            size = picked.size();
            picked = first(all, example, size, perUser(size));
        }
        return picked;
    }

    private int perUser(int size) {
        return shareMax == 0 ? Integer.MAX_VALUE : Math.max(1, (int) Math.floor(size * shareMax));
    }

    private static <T> List<T> first(List<T> all, Function<T, Example> example, int size,
            int perUser) {
        Map<User, Integer> counts = new HashMap<>();
        Set<String> ids = new HashSet<>();
        List<T> picked = new ArrayList<>();
        for (T each : all) {
            Example candidate = example.apply(each);
            User user = User.of(candidate);
            int count = counts.getOrDefault(user, 0);
            if (count < perUser && ids.add(candidate.getExampleId())) {
                counts.put(user, count + 1);
                picked.add(each);
                if (picked.size() == size) {
                    break;
                }
            }
        }
        return picked;
    }
}
