package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.guard.RecentRounds;
import dev.flywheel.feedback.guard.RoundShare;
import java.util.List;

/** What of an adapter's waiting examples goes into its next round. Used by one thread. */
final class RoundPicks {
    /** Keeps a claim well below the size that servers take in one message. */
    private static final int CLAIM_BYTES_MAX = 3 << 20;
    /** An adapter's, where its record names none. */
    private static final String DEFAULT_TENANT = "default";

    private final GuardProfiles profiles;
    /** Not kept over a restart: all users begin anew then. */
    private final RecentRounds recent = new RecentRounds();
    private RoundShare share;
    private int examplesMax = 1;
    private int singlyLeft;

    RoundPicks(GuardProfiles profiles) {
        this.profiles = profiles;
        this.share = new RoundShare(profiles.forAll());
    }

    /** Rounds to come go by this. */
    void follow(AdapterRecord record) {
        examplesMax = Math.max(1, record.getRound().getExamplesMax());
        share = new RoundShare(profiles.of(
                record.getTenant().isEmpty() ? DEFAULT_TENANT : record.getTenant(),
                record.getLearning().getGuard()));
    }

    /** The next round, no larger than one claim may be. */
    RoundShare.Pick<LabelledExample> of(WaitingExamples waiting) {
        // Examples that are claimed one by one to find a bad one say nothing of their users' shares.
        RoundShare.Pick<LabelledExample> pick = singlyLeft > 0
                ? share.pick(waiting.inOrder(), LabelledExample::getExample, 1, new RecentRounds())
                : share.pick(waiting.inOrder(), LabelledExample::getExample, examplesMax, recent);
        return new RoundShare.Pick<>(ClaimOrigins.withinBytes(pick.round(), CLAIM_BYTES_MAX),
                pick.tooMuch());
    }

    /** Why an example is too much. */
    String objection() {
        return share.objection();
    }

    /** A round has these. */
    void count(List<Example> claimed) {
        recent.count(claimed);
    }

    /** So many are picked one by one from now on. */
    void singly(int examples) {
        singlyLeft = examples;
    }

    /** One of those that are picked one by one is decided. */
    void decided() {
        singlyLeft = Math.max(0, singlyLeft - 1);
    }
}
