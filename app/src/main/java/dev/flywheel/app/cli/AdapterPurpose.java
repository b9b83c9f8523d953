package dev.flywheel.app.cli;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.trainer.adapter.AdapterSettings;

/** What an adapter mostly learns from; each has settings that suit it on the built-in base. */
enum AdapterPurpose {
    /** Small steps, several a round. */
    clicks,
    /** Clicks as probabilities: scores are the log-odds of a click. */
    rates,
    /** Rewards as what the choice of the top items brought, better or worse than is usual. */
    rewards,
    /** Repeated until they are known, with other answers held in place. */
    corrections;

    /** Returns what an adapter for it is made with. */
    AdapterRecord adapter() {
        AdapterSettings settings = switch (this) {
            case clicks -> AdapterSettings.ranker();
            case rates -> AdapterSettings.estimator();
            case rewards -> AdapterSettings.decider();
            case corrections -> AdapterSettings.teacher();
        };
        return AdapterRecord.newBuilder()
                .setLora(settings.lora())
                .setRound(settings.round())
                .setRelease(settings.release())
                .setLearning(learning())
                .build();
    }

    private LearningSettings learning() {
        LearningSettings.Builder learning = LearningSettings.newBuilder();
        if (this == rates) {
            learning.getClickBuilder().setLoss(Loss.LOSS_BINARY);
        } else if (this == rewards) {
            learning.getRewardBuilder().setLoss(Loss.LOSS_BANDIT);
            // Where rewards tell what a slate was worth, that nobody clicked it is no evidence against it.
            learning.getClickBuilder().setObservationMillis(0);
        }
        return learning.build();
    }
}
