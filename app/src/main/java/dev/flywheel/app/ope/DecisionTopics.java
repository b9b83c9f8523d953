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
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Slates and what users said of them, joined into decisions. An item earns 1 if it was clicked, or the last number that it was rewarded
 * with, and 0 if nothing was said. What was retracted does not count. Bounded by {@code slatesMax} and by {@value #EVENTS_MAX} events of
 * each; for one thread.
 */
public final class DecisionTopics {
    private static final int EVENTS_MAX = 256;

    private final TargetPolicy policy;
    private final RewardKind kind;
    private final int slatesMax;
    private final Map<String, Slate> slates = new TreeMap<>();
    private final Map<String, Long> passedOver = new TreeMap<>();

    /** What of the feedback is counted. */
    public enum RewardKind {
        click, reward
    }

    private record EventKey(String source, String id) {}

    private record Said(EventKey event, String item, long atMillis, double reward) {}

    /** An answer and the feedback on it. */
    private static final class Slate {
        private final Impression answer;
        private final List<Said> said = new ArrayList<>();
        private final Set<EventKey> retracted = new HashSet<>();

        Slate(Impression answer) {
            this.answer = answer;
        }

        boolean full() {
            return said.size() + retracted.size() >= EVENTS_MAX;
        }

        double reward(String item) {
            return said.stream()
                    .filter(each -> each.item().equals(item) && !retracted.contains(each.event()))
                    .max(Comparator.comparingLong(Said::atMillis))
                    .map(Said::reward)
                    .orElse(0.0);
        }
    }

    public DecisionTopics(TargetPolicy policy, RewardKind kind, int slatesMax) {
        this.policy = policy;
        this.kind = kind;
        this.slatesMax = slatesMax;
    }

    /** Takes an answer. */
    public void take(Impression impression) {
        String id = impression.getImpressionId();
        if (impression.getKind() != DecisionKind.DECISION_KIND_RANK || slates.containsKey(id)) {
            return;
        }
        if (slates.size() >= slatesMax) {
            pass("more than --decisions-max");
        } else {
            slates.put(id, new Slate(impression));
        }
    }

    /** Takes feedback, after all answers. */
    public void take(FeedbackEvent event) {
        Slate slate = slates.get(event.getImpressionId());
        if (slate == null) {
            return;
        }
        if (slate.full()) {
            pass("more events of one answer than " + EVENTS_MAX);
            return;
        }
        Signal signal = event.getSignal();
        if (signal.hasRetract()) {
            slate.retracted.add(
                    new EventKey(event.getSource(), signal.getRetract().getFeedbackId()));
        } else if (kind == RewardKind.click && signal.hasClick()) {
            slate.said.add(said(event, signal.getClick().getCandidateId(), 1));
        } else if (kind == RewardKind.reward && signal.hasReward()) {
            slate.said.add(said(event, signal.getReward().getCandidateId(),
                    Math.clamp(signal.getReward().getValue(), -1.0, 1.0)));
        }
    }

    private static Said said(FeedbackEvent event, String item, double reward) {
        return new Said(new EventKey(event.getSource(), event.getFeedbackId()), item,
                event.getReceivedAtMillis(), reward);
    }

    /** Returns the decisions of which all propensities are known, by impression id, and forgets the answers. */
    public DecisionLog log() {
        List<LoggedDecision> decisions = new ArrayList<>();
        for (Iterator<Slate> all = slates.values().iterator(); all.hasNext();) {
            decide(all.next(), decisions);
            all.remove();
        }
        return new DecisionLog(decisions, passedOver);
    }

    private void decide(Slate slate, List<LoggedDecision> decisions) {
        List<ShownCandidate> all = slate.answer.getCandidatesList();
        List<Integer> shown = IntStream.range(0, all.size())
                .filter(i -> all.get(i).getPlace() >= 0)
                .boxed()
                .sorted(Comparator.comparingInt(i -> all.get(i).getPlace()))
                .toList();
        if (shown.isEmpty() || shown.stream().anyMatch(i -> !known(all.get(i)))) {
            pass("propensity is unknown");
            return;
        }
        List<String> options = all.stream().map(ShownCandidate::getId).toList();
        double[] scores = all.stream().mapToDouble(ShownCandidate::getScore).toArray();
        boolean[] taken = new boolean[scores.length];
        List<LoggedPlace> places = new ArrayList<>(shown.size());
        for (int place = 0; place < shown.size(); place++) {
            int index = shown.get(place);
            double[] target = policy.ranking().chances(scores, taken, scores.length - place);
            places.add(new LoggedPlace(options, target, index, all.get(index).getPropensity(),
                    slate.reward(options.get(index))));
            taken[index] = true;
        }
        decisions.add(new LoggedDecision(places));
    }

    private static boolean known(ShownCandidate shown) {
        return shown.getPropensity() > 0 && shown.getPropensity() <= 1;
    }

    private void pass(String reason) {
        passedOver.merge(reason, 1L, Long::sum);
    }
}
