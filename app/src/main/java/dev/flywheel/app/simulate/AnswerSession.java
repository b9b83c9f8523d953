package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Correction;
import dev.flywheel.api.v1.Preference;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.Thumb;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * Annotators who judge one adapter's answers to questions that the base can only guess at; the same questions are put to the
 * frozen base. For one thread.
 *
 * <p>Thumbs and preferences judge answers that are drawn, since an answer that never varies cannot be found better or worse
 * than itself; corrections judge the best answer.
 */
final class AnswerSession {
    static final double NOISE = 0.05;
    private static final int ANNOTATORS = 500;
    private static final Duration READING = Duration.ofSeconds(5);

    private final Stage stage;
    private final String adapter;
    private final Kind kind;
    private final int asks;
    private final long seed;
    private final Annotator annotator;
    private final SplittableRandom random;
    private final Gains gains = new Gains();

    /** What an annotator says about answers. */
    enum Kind {
        THUMB,
        CORRECTION,
        PREFERENCE;

        float temperature() {
            return this == CORRECTION ? 0 : 1;
        }
    }

    /**
     * @param asks of one round
     * @param questions how many different ones there are
     */
    AnswerSession(Stage stage, String adapter, Kind kind, int asks, int questions, long seed) {
        this.stage = stage;
        this.adapter = adapter;
        this.kind = kind;
        this.asks = asks;
        this.seed = seed;
        this.annotator = new Annotator(seed, NOISE, questions);
        this.random = new SplittableRandom(seed);
    }

    private record Ask(String user, Annotator.Question question, long luck) {}

    /** Plays a round of questions up to where its feedback has been sent. */
    void round() throws InterruptedException {
        List<Ask> drawn = new ArrayList<>();
        for (int i = 0; i < asks; i++) {
            int number = random.nextInt(annotator.questions());
            drawn.add(new Ask("annotator-%d-%d".formatted(seed, random.nextInt(ANNOTATORS)),
                    annotator.question(number, random), random.nextLong()));
        }
        List<OutsideClient.Answer> learned = answers(adapter, drawn, 0);
        List<OutsideClient.Answer> frozen = answers("", drawn, 0);
        List<OutsideClient.Answer> others =
                kind == Kind.PREFERENCE ? answers(adapter, drawn, 1) : learned;
        stage.clock().advance(READING);
        List<Stage.Sending> due = new ArrayList<>();
        for (int i = 0; i < drawn.size(); i++) {
            gains.add(worth(drawn.get(i), learned.get(i)), worth(drawn.get(i), frozen.get(i)));
            judge(drawn.get(i), learned.get(i), others.get(i)).ifPresent(due::add);
        }
        stage.send(due);
    }

    private List<OutsideClient.Answer> answers(String name, List<Ask> drawn, int draw)
            throws InterruptedException {
        List<Callable<OutsideClient.Answer>> calls = new ArrayList<>();
        for (Ask ask : drawn) {
            calls.add(() -> stage.client()
                    .generate(name, ask.user(), ask.question().prompt(), kind.temperature(),
                            ask.luck() + draw));
        }
        return stage.client().all(calls);
    }

    private double worth(Ask ask, OutsideClient.Answer answer) {
        boolean good = kind == Kind.CORRECTION
                ? answer.text().equals(ask.question().truth())
                : annotator.likes(answer.text());
        return good ? 1 : 0;
    }

    private Optional<Stage.Sending> judge(Ask ask, OutsideClient.Answer answer,
            OutsideClient.Answer other) {
        return switch (kind) {
            case THUMB -> Optional.of(sending(ask, answer, thumb(annotator.says(
                    annotator.likes(answer.text()), random))));
            case CORRECTION -> answer.text().equals(ask.question().truth()) ? Optional.empty()
                    : Optional.of(sending(ask, answer, correction(ask.question().truth())));
            case PREFERENCE -> compare(ask, answer, other);
        };
    }

    private Optional<Stage.Sending> compare(Ask ask, OutsideClient.Answer answer,
            OutsideClient.Answer other) {
        boolean first = annotator.likes(answer.text());
        if (first == annotator.likes(other.text())) {
            return Optional.empty();
        }
        boolean said = annotator.says(first, random);
        OutsideClient.Answer better = said ? answer : other;
        OutsideClient.Answer worse = said ? other : answer;
        return Optional.of(sending(ask, better, preference(worse.impressionId())));
    }

    private static Signal thumb(boolean up) {
        return Signal.newBuilder().setThumb(Thumb.newBuilder().setUp(up)).build();
    }

    private static Signal correction(String text) {
        return Signal.newBuilder().setCorrection(Correction.newBuilder().setText(text)).build();
    }

    private static Signal preference(String rejected) {
        return Signal.newBuilder()
                .setPreference(Preference.newBuilder().setRejectedImpressionId(rejected))
                .build();
    }

    private static Stage.Sending sending(Ask ask, OutsideClient.Answer answer, Signal signal) {
        return new Stage.Sending(answer.feedbackToken(), answer.impressionId(), ask.user(), signal);
    }

    Gains gains() {
        return gains;
    }
}
