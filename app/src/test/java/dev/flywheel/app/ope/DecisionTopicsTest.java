package dev.flywheel.app.ope;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.app.ope.DecisionTopics.RewardKind;
import dev.flywheel.feedback.ope.LoggedPlace;
import java.util.List;
import org.junit.jupiter.api.Test;

class DecisionTopicsTest {
    private static final TargetPolicy UNIFORM = TargetPolicy.parse("uniform");

    private long time;

    private static ShownCandidate.Builder candidate(String id, double score, int place,
            double propensity) {
        return ShownCandidate.newBuilder()
                .setId(id)
                .setScore(score)
                .setPlace(place)
                .setPropensity(propensity);
    }

    /** Shows b, then a; c is left over. */
    private static Impression slate(String id) {
        return Impression.newBuilder()
                .setImpressionId(id)
                .setKind(DecisionKind.DECISION_KIND_RANK)
                .addCandidates(candidate("a", 1, 1, 0.25))
                .addCandidates(candidate("b", 3, 0, 0.5))
                .addCandidates(candidate("c", 2, -1, 0))
                .build();
    }

    private FeedbackEvent said(String impression, String id, Signal.Builder signal) {
        return FeedbackEvent.newBuilder()
                .setSource("client")
                .setFeedbackId(id)
                .setImpressionId(impression)
                .setReceivedAtMillis(++time)
                .setSignal(signal)
                .build();
    }

    private static Signal.Builder click(String item) {
        return Signal.newBuilder().setClick(Click.newBuilder().setCandidateId(item));
    }

    private static Signal.Builder reward(String item, double value) {
        return Signal.newBuilder()
                .setReward(Reward.newBuilder().setCandidateId(item).setValue(value));
    }

    private static Signal.Builder retract(String id) {
        return Signal.newBuilder().setRetract(Retract.newBuilder().setFeedbackId(id));
    }

    private static List<LoggedPlace> places(DecisionTopics topics) {
        return topics.log().decisions().get(0).places();
    }

    private static DecisionTopics of(RewardKind kind) {
        DecisionTopics topics = new DecisionTopics(UNIFORM, kind, 10);
        topics.take(slate("i1"));
        return topics;
    }

    @Test
    void aSlateBecomesItsPlacesInOrderWithWhatWasLeftForEach() {
        DecisionTopics topics = of(RewardKind.click);
        topics.take(said("i1", "f1", click("a")));
        List<LoggedPlace> places = places(topics);
        assertThat(places).extracting(LoggedPlace::taken).containsExactly(1, 0);
        assertThat(places).extracting(LoggedPlace::propensity).containsExactly(0.5, 0.25);
        assertThat(places).extracting(LoggedPlace::reward).containsExactly(0.0, 1.0);
        assertThat(places.get(0).target()).containsExactly(new double[] {1 / 3.0, 1 / 3.0, 1 / 3.0},
                within(1e-12));
        assertThat(places.get(1).target()).containsExactly(0.5, 0, 0.5);
    }

    @Test
    void aPolicyThatLooksAtScoresGetsThem() {
        DecisionTopics topics = new DecisionTopics(TargetPolicy.parse("greedy"),
                RewardKind.click, 10);
        topics.take(slate("i1"));
        List<LoggedPlace> places = places(topics);
        assertThat(places.get(0).target()).containsExactly(0, 1, 0);
        assertThat(places.get(1).target()).containsExactly(0, 0, 1);
    }

    @Test
    void whatWasRetractedDoesNotCountAndWhatStandsDoes() {
        DecisionTopics topics = of(RewardKind.click);
        topics.take(said("i1", "f1", click("a")));
        topics.take(said("i1", "f2", click("a")));
        topics.take(said("i1", "f3", click("b")));
        topics.take(said("i1", "r1", retract("f2")));
        topics.take(said("i1", "r2", retract("f3")));
        assertThat(places(topics)).extracting(LoggedPlace::reward).containsExactly(0.0, 1.0);
    }

    @Test
    void theLastRewardCountsAndNoneIsAboveOne() {
        DecisionTopics topics = of(RewardKind.reward);
        topics.take(said("i1", "f1", reward("a", 0.25)));
        topics.take(said("i1", "f2", reward("a", 1e9)));
        topics.take(said("i1", "f3", reward("b", -0.5)));
        topics.take(said("i1", "f4", click("b")));
        assertThat(places(topics)).extracting(LoggedPlace::reward).containsExactly(-0.5, 1.0);
    }

    @Test
    void whatCannotBeWeightedOrIsTooMuchIsCounted() {
        DecisionTopics topics = new DecisionTopics(UNIFORM, RewardKind.click, 2);
        topics.take(slate("i1"));
        topics.take(slate("i1"));
        topics.take(slate("i2").toBuilder().setCandidates(1, candidate("b", 3, 0, 0)).build());
        topics.take(slate("i3"));
        for (int i = 0; i < 300; i++) {
            topics.take(said("i1", "f" + i, click("a")));
        }
        DecisionLog log = topics.log();
        assertThat(log.decisions()).hasSize(1);
        assertThat(log.passedOver()).containsEntry("propensity is unknown", 1L)
                .containsEntry("more than --decisions-max", 1L)
                .containsEntry("more events of one answer than 256", 44L);
    }
}
