package dev.flywheel.app.simulate;

import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** One adapter that learns from every kind of signal at once, slates and answers in the same rounds. */
record MixedScenario(int rounds) implements Scenario {
    private static final Duration PAUSE = Duration.ofSeconds(60);
    private static final int GROUPS = 4;
    private static final int CORRECTED = 6;

    /** A thumb tells far less of an answer than a correction does. */
    private static final int JUDGED = 16;

    private static final int QUESTIONS = 6;
    private static final String SLATES = "slates";
    private static final String THUMBS = "thumbs";
    private static final String CORRECTIONS = "corrections";

    @Override
    public String name() {
        return "mixed";
    }

    @Override
    public String summary() {
        return "clicks, ratings, rewards, thumbs and corrections at once, learned by one adapter";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("rounds", rounds, "slatesPerRound", RankingSession.ASKS, "thumbsPerRound",
                JUDGED, "correctionsPerRound", CORRECTED, "questions", QUESTIONS);
    }

    @Override
    public int steps() {
        return rounds;
    }

    /** A ranker's small steps, and a teacher's repetition of what was corrected. */
    private static AdapterSettings adapter() {
        AdapterSettings ranker = AdapterSettings.ranker();
        return ranker.withRound(ranker.round()
                .toBuilder()
                .setSftTargetLoss(0.05)
                .setSftStepsMax(40)
                .build());
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String learner = "simulated/mixed-%d".formatted(seed);
        stage.createAdapter(learner, adapter());
        RankingSession slates = new RankingSession(stage, learner, GROUPS,
                List.of(Reaction.CLICK, Reaction.RATING, Reaction.REWARD), seed);
        AnswerSession thumbs = new AnswerSession(stage, learner, AnswerSession.Kind.THUMB, JUDGED,
                QUESTIONS, seed);
        // Other questions than those whose answers get thumbs.
        AnswerSession corrections = new AnswerSession(stage, learner,
                AnswerSession.Kind.CORRECTION, CORRECTED, QUESTIONS, seed + 1_000);
        for (int round = 0; round < rounds; round++) {
            slates.round();
            thumbs.round();
            corrections.round();
            stage.settle();
            stage.clock().advance(PAUSE);
            stage.step("%s; %s; %s".formatted(slates.gains().recently(RankingSession.ASKS * 5),
                    thumbs.gains().recently(JUDGED * 5),
                    corrections.gains().recently(CORRECTED * 5)));
        }
        SeedFigures figures = new SeedFigures(seed);
        slates.gains().into(figures, SLATES);
        thumbs.gains().into(figures, THUMBS);
        return corrections.gains().into(figures, CORRECTIONS);
    }

    @Override
    public String target() {
        return "of slates, thumbs and corrections each: " + Gains.TARGET;
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        return List.of(SLATES, THUMBS, CORRECTIONS)
                .stream()
                .allMatch(kind -> Gains.met(seeds, kind));
    }
}
