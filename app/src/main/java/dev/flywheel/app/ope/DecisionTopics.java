package dev.flywheel.app.ope;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.feedback.ope.LoggedDecision;
import dev.flywheel.feedback.ope.LoggedPlace;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Slates and what users said of them, joined into decisions. An item earns 1 if it was clicked, or the last number that it was rewarded
 * with, and 0 if nothing was said. What was retracted does not count. Bounded by {@code slatesMax}; for one thread.
 */
public final class DecisionTopics {
    private final TargetPolicy policy;
    private final RewardKind kind;
    private final int slatesMax;
    private final Map<String, Impression> slates = new HashMap<>();
    private final Map<ItemKey, Said> said = new HashMap<>();
    private final Set<EventKey> retracted = new HashSet<>();
    private final Map<String, Long> passedOver = new TreeMap<>();

    /** What of the feedback is counted. */
    public enum RewardKind {
        click, reward
    }

    private record ItemKey(String impression, String item) {}

    private record EventKey(String source, String id) {}

    private record Said(EventKey event, long atMillis, double reward) {}

    public DecisionTopics(TargetPolicy policy, RewardKind kind, int slatesMax) {
        this.policy = policy;
        this.kind = kind;
        this.slatesMax = slatesMax;
    }

    /** Takes an answer. */
    public void take(Impression impression) {
        if (impression.getKind() != DecisionKind.DECISION_KIND_RANK) {
            return;
        }
        if (slates.size() >= slatesMax && !slates.containsKey(impression.getImpressionId())) {
            pass("more than --slates-max");
        } else {
            slates.put(impression.getImpressionId(), impression);
        }
    }

    /** Takes feedback, after all answers. */
    public void take(FeedbackEvent event) {
        if (!slates.containsKey(event.getImpressionId())) {
            return;
        }
        Signal signal = event.getSignal();
        EventKey key = new EventKey(event.getSource(), event.getFeedbackId());
        if (signal.hasRetract()) {
            retracted.add(new EventKey(event.getSource(), signal.getRetract().getFeedbackId()));
        } else if (kind == RewardKind.click && signal.hasClick()) {
            note(event, key, signal.getClick().getCandidateId(), 1);
        } else if (kind == RewardKind.reward && signal.hasReward()) {
            note(event, key, signal.getReward().getCandidateId(), signal.getReward().getValue());
        }
    }

    private void note(FeedbackEvent event, EventKey key, String item, double reward) {
        Said now = new Said(key, event.getReceivedAtMillis(), reward);
        said.merge(new ItemKey(event.getImpressionId(), item), now,
                (before, after) -> after.atMillis() >= before.atMillis() ? after : before);
    }

    /** Returns the decisions of which all propensities are known. */
    public DecisionLog log() {
        List<LoggedDecision> decisions = new ArrayList<>();
        slates.values()
                .stream()
                .sorted(Comparator.comparing(Impression::getImpressionId))
                .forEach(slate -> decide(slate, decisions));
        return new DecisionLog(decisions, passedOver);
    }

    private void decide(Impression slate, List<LoggedDecision> decisions) {
        List<ShownCandidate> all = slate.getCandidatesList();
        List<Integer> shown = IntStream.range(0, all.size())
                .filter(i -> all.get(i).getPlace() >= 0)
                .boxed()
                .sorted(Comparator.comparingInt(i -> all.get(i).getPlace()))
                .toList();
        if (shown.stream().anyMatch(i -> !(all.get(i).getPropensity() > 0))) {
            pass("propensity is unknown");
            return;
        }
        List<LoggedPlace> places = new ArrayList<>();
        double[] scores = all.stream().mapToDouble(ShownCandidate::getScore).toArray();
        boolean[] taken = new boolean[scores.length];
        for (int index : shown) {
            places.add(place(slate, scores, taken, index));
            taken[index] = true;
        }
        decisions.add(new LoggedDecision(places));
    }

    private LoggedPlace place(Impression slate, double[] scores, boolean[] taken, int index) {
        int left = (int) IntStream.range(0, taken.length).filter(i -> !taken[i]).count();
        double[] chances = policy.ranking().chances(scores, taken, left);
        List<String> options = new ArrayList<>(left);
        double[] target = new double[left];
        int number = 0;
        for (int i = 0; i < taken.length; i++) {
            if (!taken[i]) {
                number = i == index ? options.size() : number;
                target[options.size()] = chances[i];
                options.add(slate.getCandidates(i).getId());
            }
        }
        ShownCandidate item = slate.getCandidates(index);
        return new LoggedPlace(options, target, number, item.getPropensity(),
                reward(slate.getImpressionId(), item.getId()));
    }

    private double reward(String impression, String item) {
        Said last = said.get(new ItemKey(impression, item));
        return last == null || retracted.contains(last.event()) ? 0 : last.reward();
    }

    private void pass(String reason) {
        passedOver.merge(reason, 1L, Long::sum);
    }
}
