package dev.flywheel.pipelines.round;

import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LabelledExample;
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.Withdrawal;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import java.time.Duration;

/** The rounds of one adapter before servers in memory, stepped by hand. */
abstract class AdapterRoundsRig {
    static final RoundPace PACE =
            RoundPace.of(Duration.ofMillis(1), Duration.ofSeconds(1), 100);

    final InMemoryServers servers = new InMemoryServers();
    final ManualHost host = new ManualHost();
    AdapterRounds rounds = rounds();

    AdapterRounds rounds() {
        return new AdapterRounds("a", PACE, GuardProfiles.of(GuardProfile.TRUSTED_STREAM), servers,
                host);
    }

    void crash() {
        host.forget();
        rounds = rounds();
    }

    void offer(String feedbackId, String exampleId) {
        rounds.offer(example(feedbackId, exampleId));
    }

    static LabelledExample example(String feedbackId, String exampleId) {
        return ofImpression(feedbackId, exampleId, "impression");
    }

    static LabelledExample ofImpression(
            String feedbackId, String exampleId, String impressionId) {
        return LabelledExample.newBuilder()
                .setExample(Example.newBuilder()
                        .setExampleId(exampleId)
                        .setAdapter("a")
                        .setImpressionId(impressionId)
                        .setUser(feedbackId)
                        .addFeedback(key(feedbackId)))
                .setFeedback(taken(feedbackId))
                .build();
    }

    static TakenFeedback taken(String feedbackId) {
        return TakenFeedback.newBuilder()
                .setEvent(FeedbackEvent.newBuilder().setSource("s").setFeedbackId(feedbackId))
                .build();
    }

    static Withdrawal withdrawal(String feedbackId, String withdrawn, String exampleId) {
        return Withdrawal.newBuilder()
                .setRetraction(TakenFeedback.newBuilder()
                        .setEvent(FeedbackEvent.newBuilder()
                                .setSource("s")
                                .setFeedbackId(feedbackId)
                                .setSignal(Signal.newBuilder()
                                        .setRetract(
                                                Retract.newBuilder().setFeedbackId(withdrawn)))))
                .setExampleId(exampleId)
                .build();
    }

    static FeedbackKey key(String feedbackId) {
        return FeedbackKey.newBuilder().setSource("s").setFeedbackId(feedbackId).build();
    }
}
