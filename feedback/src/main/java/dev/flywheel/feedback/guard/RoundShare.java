package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.Example;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Picks the examples of a round so that no user has more than their share. What is left over is not refused: it waits for the
 * next round.
 */
public final class RoundShare {
    private final double shareMax;

    public RoundShare(GuardProfile profile) {
        this.shareMax = profile.roundShareMax();
    }

    /**
     * Returns, oldest first, what goes into the next round: at most {@code examplesMax}, at most the share of one user, and at
     * most one example of an id. Never empty unless {@code waiting} is.
     */
    public <T> List<T> pick(Iterable<T> waiting, Function<T, Example> example, int examplesMax) {
        List<T> all = new ArrayList<>();
        waiting.forEach(all::add);
        int size = Math.min(examplesMax, all.size());
        // Fewer may be picked than the size the share is of, so shrink until the share holds of what is picked.
        List<T> picked = pick(all, example, size, perUser(size));
        while (perUser(picked.size()) < perUser(size)) {
            size = picked.size();
            picked = pick(all, example, size, perUser(size));
        }
        return picked;
    }

    private int perUser(int size) {
        return shareMax == 0 ? Integer.MAX_VALUE : Math.max(1, (int) Math.floor(size * shareMax));
    }

    private static <T> List<T> pick(List<T> all, Function<T, Example> example, int size,
            int perUser) {
        Map<User, Integer> counts = new HashMap<>();
        Set<String> ids = new HashSet<>();
        List<T> picked = new ArrayList<>();
        for (T each : all) {
            Example candidate = example.apply(each);
            User user = new User(candidate.getTenant(), candidate.getUser());
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

    private record User(String tenant, String name) {}
}
