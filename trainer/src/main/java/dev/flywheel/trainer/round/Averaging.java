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
 * <p>However much one user clicked, all of it together moves a step by 1 / users, or, of verdicts, by at
 * most {@value #ITEMS_USUAL} / {@value #USERS_USUAL}. Examples without a user count as one user's.
 *
 * <p>Items that were each taken or not are to become probabilities, so that nothing that depends on how many
 * were taken may change what an item weighs:
 *
 * <ul>
 *   <li>a user's mean is over slates and each item weighs what a slate does, since what is known of one
 *       slate comes as one example or as two, with few items or many. Of a slate that showed more than
 *       {@value #ITEMS_USUAL}, they weigh together what so many do: what was shown is known before
 *       anything is taken, and nobody has more weight for asking for long slates;
 *   <li>users' means are summed and divided by {@value #USERS_USUAL} however many there are. A user whose
 *       click comes late is one more in the round it comes in: a mean over users would count a click
 *       for less where there are many, 3 % on average with 18 users a round, and silence for more.
 * </ul>
 */
final class Averaging {
    /** Users of a round in which a verdict weighs what another example does; AdamW takes any other for as good. */
    static final int USERS_USUAL = 16;

    /** Items of a slate that weigh what a slate does each. */
    static final int ITEMS_USUAL = 8;

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

    /** Returns the example's share; without verdicts they sum to one. */
    double share(PreparedExample example) {
        int ofUser = unitsByUser.getOrDefault(example.example().getUser(), 1);
        return example instanceof PreparedExample.Verdict verdict
                ? ofItem(verdict.example()) / ofUser / USERS_USUAL
                : 1.0 / ofUser / users();
    }

    private static double ofItem(Example example) {
        return Math.min(1, (double) ITEMS_USUAL / Math.max(1, example.getSlateItems()));
    }
}
