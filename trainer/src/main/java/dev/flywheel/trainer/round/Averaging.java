package dev.flywheel.trainer.round;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What share each example's gradient has in a step: the mean over users of each user's mean.
 *
 * <p>However much one user clicked, all of it together moves a step by 1 / users. Examples without
 * a user count as one user's.
 */
final class Averaging {
    private final Map<String, Integer> examplesByUser = new HashMap<>();

    Averaging(List<PreparedExample> examples) {
        for (PreparedExample example : examples) {
            examplesByUser.merge(example.example().getUser(), 1, Integer::sum);
        }
    }

    int users() {
        return examplesByUser.size();
    }

    /** Returns the example's share; all shares sum to one. */
    double share(PreparedExample example) {
        int ofUser = examplesByUser.getOrDefault(example.example().getUser(), 1);
        return 1.0 / ofUser / users();
    }
}
