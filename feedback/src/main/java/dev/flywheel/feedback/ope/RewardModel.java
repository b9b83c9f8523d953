package dev.flywheel.feedback.ope;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Guesses what an item earns at a place: its mean there, drawn towards the item's mean anywhere, drawn towards the mean of all.
 *
 * <p>For cross-fitting: a decision is guessed by a model that was made without it.
 */
final class RewardModel {
    /** A mean of fewer than about so many is closer to the wider one. */
    private static final double PRIOR = 10;

    private final Mean all = new Mean();
    private final Map<String, Mean> items = new HashMap<>();
    private final Map<At, Mean> places = new HashMap<>();

    private record At(String item, int place) {}

    private static final class Mean {
        private long count;
        private double sum;

        private void add(double reward) {
            count++;
            sum += reward;
        }

        private double towards(double wider) {
            return (sum + PRIOR * wider) / (count + PRIOR);
        }
    }

    void learn(LoggedDecision decision) {
        List<LoggedPlace> slate = decision.places();
        for (int place = 0; place < slate.size(); place++) {
            LoggedPlace taken = slate.get(place);
            all.add(taken.reward());
            items.computeIfAbsent(taken.item(), item -> new Mean()).add(taken.reward());
            places.computeIfAbsent(new At(taken.item(), place), at -> new Mean())
                    .add(taken.reward());
        }
    }

    double guess(String item, int place) {
        double any = all.towards(0);
        Mean ofItem = items.get(item);
        double anywhere = ofItem == null ? any : ofItem.towards(any);
        Mean here = places.get(new At(item, place));
        return here == null ? anywhere : here.towards(anywhere);
    }

    /** Returns what the other policy would earn at a place. */
    double expected(LoggedPlace logged, int place) {
        double sum = 0;
        for (int i = 0; i < logged.target().length; i++) {
            if (logged.target()[i] > 0) {
                sum += logged.target()[i] * guess(logged.options().get(i), place);
            }
        }
        return sum;
    }
}
