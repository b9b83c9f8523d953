package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.Preference;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * Annotators who judge answers to questions that the base can only guess at; the same questions are put to the frozen base.
 *
 * <p>Thumbs and preferences judge answers that are drawn, since an answer that never varies cannot be found better or worse
 * than itself; corrections judge the best answer.
 */
record AnswerScenario(
        String name,
        String summary,
        Kind kind,
        AdapterSettings adapter,
        int rounds,
        int asks,
        int questions) implements Scenario {
    private static final double NOISE = 0.05;
    private static final int ANNOTATORS = 500;
    private static final Duration READING = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofSeconds(60);

    /** What an annotator says about answers. */
    enum Kind {
        THUMB,
        CORRECTION,
        PREFERENCE
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("rounds", rounds, "asksPerRound", asks, "questions", questions,
                "noise", kind == Kind.CORRECTION ? 0 : NOISE, "temperature", temperature());
    }

    private float temperature() {
        return kind == Kind.CORRECTION ? 0 : 1;
    }

    @Override
    public int steps() {
        return rounds;
    }

    private record Ask(String user, Annotator.Question question, long luck) {}

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String adapter = "simulated/%s-%d".formatted(name, seed);
        stage.createAdapter(adapter, this.adapter);
        Annotator annotator = new Annotator(seed, NOISE, questions);
        SplittableRandom random = new SplittableRandom(seed);
        Gains gains = new Gains();
        for (int round = 0; round < rounds; round++) {
            List<Ask> drawn = new ArrayList<>();
            for (int i = 0; i < asks; i++) {
                int number = random.nextInt(annotator.questions());
                drawn.add(new Ask("annotator-%d-%d".formatted(seed, random.nextInt(ANNOTATORS)),
                        annotator.question(number, random), random.nextLong()));
            }
            play(stage, adapter, annotator, drawn, gains, random.split());
            stage.step("learned %.3f, frozen %.3f".formatted(gains.recent(asks * 5),
                    gains.recentFrozen(asks * 5)));
        }
        return gains.figures(seed);
    }

    private void play(Stage stage, String adapter, Annotator annotator, List<Ask> drawn,
            Gains gains, SplittableRandom random) throws InterruptedException {
        List<OutsideClient.Answer> learned = answers(stage, adapter, drawn, 0);
        List<OutsideClient.Answer> frozen = answers(stage, "", drawn, 0);
        List<OutsideClient.Answer> others = kind == Kind.PREFERENCE
                ? answers(stage, adapter, drawn, 1)
                : learned;
        stage.clock().advance(READING);
        List<Stage.Sending> due = new ArrayList<>();
        for (int i = 0; i < drawn.size(); i++) {
            Ask ask = drawn.get(i);
            gains.add(worth(annotator, ask, learned.get(i)), worth(annotator, ask, frozen.get(i)));
            judge(annotator, ask, learned.get(i), others.get(i), random).ifPresent(due::add);
        }
        stage.send(due);
        stage.settle();
        stage.clock().advance(PAUSE);
    }

    private List<OutsideClient.Answer> answers(Stage stage, String adapter, List<Ask> asks,
            int draw) throws InterruptedException {
        List<Callable<OutsideClient.Answer>> calls = new ArrayList<>();
        for (Ask ask : asks) {
            calls.add(() -> stage.client()
                    .generate(adapter, ask.user(), ask.question().prompt(), temperature(),
                            ask.luck() + draw));
        }
        return stage.client().all(calls);
    }

    private double worth(Annotator annotator, Ask ask, OutsideClient.Answer answer) {
        boolean good = kind == Kind.CORRECTION
                ? answer.text().equals(ask.question().truth())
                : annotator.likes(answer.text());
        return good ? 1 : 0;
    }

    private Optional<Stage.Sending> judge(Annotator annotator, Ask ask, OutsideClient.Answer answer,
            OutsideClient.Answer other, SplittableRandom random) {
        return switch (kind) {
            case THUMB -> {
                boolean up = annotator.says(annotator.likes(answer.text()), random);
                yield Optional.of(sending(ask, answer,
                        Signal.newBuilder().setThumb(Thumb.newBuilder().setUp(up)).build()));
            }
            case CORRECTION -> answer.text().equals(ask.question().truth()) ? Optional.empty()
                    : Optional.of(sending(ask, answer,
                            Signal.newBuilder()
                                    .setCorrection(
                                            Correction.newBuilder().setText(ask.question().truth()))
                                    .build()));
            case PREFERENCE -> compare(annotator, ask, answer, other, random);
        };
    }

    private static Optional<Stage.Sending> compare(Annotator annotator, Ask ask,
            OutsideClient.Answer answer, OutsideClient.Answer other, SplittableRandom random) {
        boolean first = annotator.likes(answer.text());
        if (first == annotator.likes(other.text())) {
            return Optional.empty();
        }
        boolean said = annotator.says(first, random);
        OutsideClient.Answer better = said ? answer : other;
        OutsideClient.Answer worse = said ? other : answer;
        return Optional.of(sending(ask, better,
                Signal.newBuilder()
                        .setPreference(Preference.newBuilder()
                                .setRejectedImpressionId(worse.impressionId()))
                        .build()));
    }

    private static Stage.Sending sending(Ask ask, OutsideClient.Answer answer, Signal signal) {
        return new Stage.Sending(answer.feedbackToken(), answer.impressionId(), ask.user(), signal);
    }

    @Override
    public String target() {
        return Gains.TARGET;
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        return Gains.met(seeds);
    }
}
