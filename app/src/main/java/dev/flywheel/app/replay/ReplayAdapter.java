package dev.flywheel.app.replay;

import dev.flywheel.trainer.adapter.AdapterSettings;

/**
 * The adapter that learns tastes from ratings.
 *
 * <p>Most ratings that follow one another come from one user, so steps are small: the adapter must not take that user's mood for
 * everybody's. Gradients keep their length unless far out of the usual: with all cut to one length the fraction of likes
 * would not matter, only which side has more, and predictions would not be probabilities.
 */
final class ReplayAdapter {
    static final AdapterSettings SETTINGS = settings();

    private ReplayAdapter() {}

    private static AdapterSettings settings() {
        AdapterSettings ranker = AdapterSettings.ranker();
        return ranker.withRound(
                ranker.round()
                        .toBuilder()
                        .setLearningRate(2e-4)
                        .setSteps(1)
                        .setGradientClip(20)
                        .build());
    }
}
