package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Readers who give one kind of signal about slates, and nothing else. */
record RankingScenario(
        String name,
        String summary,
        Reaction reaction,
        int groups,
        AdapterSettings adapter,
        LearningSettings learning,
        int rounds) implements Scenario {
    private static final Duration PAUSE = Duration.ofSeconds(30);

    @Override
    public Map<String, Object> settings() {
        return Map.of("groups", groups, "rounds", rounds, "asksPerRound",
                RankingSession.ASKS, "slate", RankingSession.SLATE, "roundSeconds",
                RankingSession.READING.plus(PAUSE).toSeconds());
    }

    @Override
    public int steps() {
        return rounds;
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String learner = "simulated/%s-%d".formatted(name, seed);
        stage.createAdapter(learner, adapter, learning);
        RankingSession session =
                new RankingSession(stage, learner, groups, List.of(reaction), seed);
        for (int round = 0; round < rounds; round++) {
            session.round();
            stage.settle();
            stage.clock().advance(PAUSE);
            stage.step(session.gains().recently(RankingSession.ASKS * 5));
        }
        return session.gains().into(new SeedFigures(seed), "");
    }

    @Override
    public String target() {
        return Gains.TARGET;
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        return Gains.met(seeds, "");
    }
}
