package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.Example;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What share each example's gradient has in a step: the mean over users of each user's mean.
 *
 * <p>However much one user clicked, all of it together moves a step by 1 / users. Examples without
 * a user count as one user's.
 *
 * <p>A user's mean is over examples, and over slates where these are sums over items: the item that
 * was taken and those that were passed over are two examples, or one, depending on when each was
 * known, which must not change what they weigh.
 */
final class Averaging {
    private final Map<String, Integer> unitsByUser = new HashMap<>();

    Averaging(List<PreparedExample> examples) {
        Set<Slate> slates = new HashSet<>();
        for (PreparedExample example : examples) {
            if (!(example instanceof PreparedExample.Verdicts)
                    || slates.add(Slate.of(example.example()))) {
                unitsByUser.merge(example.example().getUser(), 1, Integer::sum);
            }
        }
    }

    private record Slate(String user, String impressionId) {
        static Slate of(Example example) {
            return new Slate(example.getUser(), example.getImpressionId());
        }
    }

    int users() {
        return unitsByUser.size();
    }

    /** Returns each user's examples by index, users in the order of their first. */
    List<List<Integer>> byUser(List<PreparedExample> examples) {
        Map<String, List<Integer>> byUser = new LinkedHashMap<>();
        for (int i = 0; i < examples.size(); i++) {
            byUser.computeIfAbsent(
                    examples.get(i).example().getUser(), user -> new ArrayList<>()).add(i);
        }
        return List.copyOf(byUser.values());
    }

    /** Returns the example's share; the shares of all units sum to one. */
    double share(PreparedExample example) {
        int ofUser = unitsByUser.getOrDefault(example.example().getUser(), 1);
        return 1.0 / ofUser / users();
    }
}
