package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.util.List;
import java.util.stream.Collectors;

/** All scenarios by name. */
public final class Scenarios {
    private static final int ROUNDS = 40;
    private static final int GROUPS = 4;

    /** What is disliked tells little of what is liked where there is much to choose from. */
    private static final int GROUPS_THAT_DISMISS = 2;

    /**
     * Pushes what was dismissed below the rest of its slate. Listwise, it is only told that it is disliked: nothing is ever
     * liked, and all items go down alike. No click is expected, so its absence says nothing.
     */
    private static final LearningSettings DISMISSALS = LearningSettings.newBuilder()
            .setClick(SignalSettings.newBuilder().setObservationMillis(0).setRenderedMillis(0))
            .setDismiss(SignalSettings.newBuilder().setLoss(Loss.LOSS_BANDIT))
            .build();

    private static final List<Scenario> ALL =
            List.of(
                    slates("click", "clicks alone, with position bias and noise", Reaction.CLICK),
                    new RankingScenario("dismiss", "dismissals of the top item alone",
                            Reaction.DISMISS, GROUPS_THAT_DISMISS, AdapterSettings.ranker(),
                            DISMISSALS, ROUNDS),
                    slates("rating", "ratings of the top item alone", Reaction.RATING),
                    slates("reward", "rewards of the top item alone", Reaction.REWARD),
                    new AnswerScenario("thumb", "thumbs on drawn answers alone",
                            AnswerSession.Kind.THUMB, AdapterSettings.ranker(), ROUNDS, 16, 12),
                    new AnswerScenario("correction", "corrections of wrong answers alone",
                            AnswerSession.Kind.CORRECTION, AdapterSettings.teacher(), 8, 8, 6),
                    new AnswerScenario("preference", "which of two drawn answers is better, alone",
                            AnswerSession.Kind.PREFERENCE, AdapterSettings.ranker(), ROUNDS, 16,
                            12),
                    new MixedScenario(ROUNDS),
                    new PoisoningScenario(),
                    new DriftScenario(),
                    new ColdItemsScenario(), new DelayedFeedbackScenario(), new JoinScenario());

    private Scenarios() {}

    private static Scenario slates(String name, String summary, Reaction reaction) {
        return new RankingScenario(name, summary, reaction, GROUPS, AdapterSettings.ranker(),
                LearningSettings.getDefaultInstance(), ROUNDS);
    }

    /** Returns a line for each, for people. */
    public static List<String> lines() {
        return ALL.stream().map(each -> "%-18s %s".formatted(each.name(), each.summary())).toList();
    }

    /**
     * Returns the one of that name.
     *
     * @throws IllegalArgumentException if there is none
     */
    static Scenario named(String name) {
        return ALL.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "--scenario is %s, allowed are %s".formatted(name, names())));
    }

    private static String names() {
        return ALL.stream().map(Scenario::name).collect(Collectors.joining(", "));
    }
}
