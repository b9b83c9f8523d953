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
 * <p>A user's mean is over examples; of items that were each taken or not it is over their slates,
 * and each item weighs what a slate does: what is known of one slate comes as one example or as two,
 * with few items or many, which must not change what an item weighs, or scores would be no
 * probabilities.
 */
final class Averaging {
    private final Map<String, Integer> unitsByUser = new HashMap<>();

    Averaging(List<PreparedExample> examples) {
        Set<Slate> slates = new HashSet<>();
        for (PreparedExample example : examples) {
            if (!(example instanceof PreparedExample.Verdict)
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
