package dev.flywheel.app.replay;

import dev.flywheel.trainer.adapter.AdapterSettings;

/**
 * The adapter that learns tastes from ratings.
 *
 * <p>Most ratings that follow one another come from one user. Small steps, several a round, and a strong leash to the base
 * keep the adapter from taking that user's mood for everybody's.
 */
final class ReplayAdapter {
    static final AdapterSettings SETTINGS = settings();

    private ReplayAdapter() {}

    private static AdapterSettings settings() {
        AdapterSettings ranker = AdapterSettings.ranker();
        return ranker.withRound(
                ranker.round()
                        .toBuilder()
                        .setLearningRate(3e-4)
                        .setSteps(4)
                        .setKlWeight(0.5)
                        .build());
    }
}
