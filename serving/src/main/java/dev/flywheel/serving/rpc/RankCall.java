package dev.flywheel.serving.rpc;

import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.serving.adapter.Lease;
import dev.flywheel.serving.impression.ImpressionIds;
import dev.flywheel.serving.impression.ImpressionLog;
import dev.flywheel.serving.rank.RankPolicy;
import dev.flywheel.serving.runner.VerdictJob;
import java.util.ArrayList;
import java.util.List;

/** One Rank request: its tokens on the way in, its slate and impression on the way out. */
final class RankCall {
    private final RankRequest request;
    private final Texts texts;
    private final Lease lease;
    private final int[] context;
    private final List<int[]> candidates;

    RankCall(RankRequest request, Texts texts, Lease lease) {
        this.request = request;
        this.texts = texts;
        this.lease = lease;
        this.context = texts.context(request.getContext());
        this.candidates = new ArrayList<>(request.getCandidatesCount());
        for (int i = 0; i < request.getCandidatesCount(); i++) {
            candidates.add(
                    texts.candidate(i, request.getCandidates(i).getText(), context.length));
        }
    }

    VerdictJob job(long deadlineNanos) {
        return new VerdictJob(RequestRules.tenantOf(request.getScope()), context, candidates,
                texts.acceptId(), texts.rejectId(), lease, deadlineNanos);
    }

    /** @param policy the node's, which the adapter's own settings stand over */
    RankReply reply(double[] scores, RankPolicy policy, ImpressionLog log) {
        String id = log.nextId();
        long seed = ImpressionIds.seedOf(id);
        int size = request.getSlateSize() == 0
                ? scores.length
                : Math.min(request.getSlateSize(), scores.length);
        RankPolicy explored = policy.with(lease.adapter().getExploration());
        List<RankPolicy.Place> slate = explored.draw(scores, size, seed);
        String token = log.record(impression(id, scores, slate, explored).setSeed(seed));
        RankReply.Builder reply = RankReply.newBuilder()
                .setVersion(lease.version())
                .setImpressionId(id)
                .setFeedbackToken(token);
        for (int place = 0; place < slate.size(); place++) {
            reply.addItems(item(place, slate.get(place), scores));
        }
        return reply.build();
    }

    private RankedItem item(int place, RankPolicy.Place placed, double[] scores) {
        return RankedItem.newBuilder()
                .setIndex(placed.index())
                .setCandidateId(request.getCandidates(placed.index()).getId())
                .setScore((float) scores[placed.index()])
                .setRank(place)
                .setPropensity(placed.propensity())
                .build();
    }

    private Impression.Builder impression(String id, double[] scores,
            List<RankPolicy.Place> slate, RankPolicy policy) {
        List<ShownCandidate.Builder> shown = new ArrayList<>();
        for (int i = 0; i < scores.length; i++) {
            shown.add(Answers.scored(request.getCandidates(i).getId(), candidates.get(i),
                    scores[i]));
        }
        Answers.show(shown, slate);
        Impression.Builder impression = Answers.of(DecisionKind.DECISION_KIND_RANK, id,
                request.getScope(), lease, context)
                .setPolicy(policy.name())
                .setEpsilon(policy.epsilon())
                .setScoring(Scoring.newBuilder()
                        .setVerdict(true)
                        .setAcceptId(texts.acceptId())
                        .setRejectId(texts.rejectId()));
        shown.forEach(impression::addCandidates);
        return impression;
    }
}
