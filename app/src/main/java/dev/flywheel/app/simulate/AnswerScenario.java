package dev.flywheel.app.simulate;

import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Annotators who give one kind of signal about answers, and nothing else. */
record AnswerScenario(
        String name,
        String summary,
        AnswerSession.Kind kind,
        AdapterSettings adapter,
        int rounds,
        int asks,
        int questions) implements Scenario {
    private static final Duration PAUSE = Duration.ofSeconds(60);

    @Override
    public Map<String, Object> settings() {
        return Map.of("rounds", rounds, "asksPerRound", asks, "questions", questions, "noise",
                kind == AnswerSession.Kind.CORRECTION ? 0 : AnswerSession.NOISE, "temperature",
                kind.temperature());
    }

    @Override
    public int steps() {
        return rounds;
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String learner = "simulated/%s-%d".formatted(name, seed);
        stage.createAdapter(learner, adapter);
        AnswerSession session = new AnswerSession(stage, learner, kind, asks, questions, seed);
        for (int round = 0; round < rounds; round++) {
            session.round();
            stage.settle();
            stage.clock().advance(PAUSE);
            stage.step(session.gains().recently(asks * 5));
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
