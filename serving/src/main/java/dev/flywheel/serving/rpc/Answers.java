package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.rank.RankPolicy;
import java.util.Arrays;
import java.util.List;

/** Impressions of answers, without what the log adds. */
final class Answers {
    private static final int NOT_SHOWN = -1;

    private Answers() {}

    /** Begins an impression with who was answered by what, and how feedback on it is to be learned from. */
    static Impression.Builder of(DecisionKind kind, String id, RequestScope scope, Lease lease,
            int[] promptIds) {
        Impression.Builder impression = Impression.newBuilder()
                .setImpressionId(id)
                .setTenant(RequestRules.tenantOf(scope))
                .setUser(scope.getUser())
                .setConsent(scope.getConsent())
                .setKind(kind)
                .setVersion(lease.version())
                .addAllPromptIds(boxed(promptIds));
        LearningSettings learning = lease.adapter().getLearning();
        if (!learning.equals(LearningSettings.getDefaultInstance())) {
            impression.setLearning(learning);
        }
        return impression;
    }

    /** Returns a candidate that was scored but not shown, until {@link #show} places it. */
    static ShownCandidate.Builder scored(String id, int[] ids, double score) {
        return ShownCandidate.newBuilder()
                .setId(id)
                .addAllIds(boxed(ids))
                .setScore(score)
                .setPlace(NOT_SHOWN);
    }

    /** Notes in each candidate of a slate where it was put and how likely that was. */
    static void show(List<ShownCandidate.Builder> candidates, List<RankPolicy.Place> slate) {
        for (int place = 0; place < slate.size(); place++) {
            candidates.get(slate.get(place).index())
                    .setPlace(place)
                    .setPropensity(slate.get(place).propensity());
        }
    }

    static List<Integer> boxed(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }
}
