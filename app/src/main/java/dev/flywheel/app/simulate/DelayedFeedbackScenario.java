package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * Clicks that come late: the predicted click rate must be the true one although silence is counted before all clicks are in.
 * Beside it the naive setting, which takes no click after that for an answer.
 *
 * <p>Readers look at every item of a slate and may click several, so that the true rate is known exactly. Whether and when they
 * click is drawn evenly: the figures are the learner's error, not the draw's.
 */
record DelayedFeedbackScenario() implements Scenario {
    private static final int GROUPS = 4;
    private static final int TICKS = 140;
    private static final int MEASURED = 80;
    private static final int ASKS = 10;
    private static final Duration TICK = Duration.ofSeconds(10);
    private static final Duration OBSERVATION = Duration.ofSeconds(30);
    private static final Duration ATTRIBUTION = Duration.ofMinutes(30);
    private static final Delays DELAYS = new Delays(0.6, OBSERVATION, Duration.ofSeconds(60));
    private static final double LIKED = 0.5;
    private static final double OTHER = 0.1;
    private static final String ERROR = "relativeErrorPercent";
    private static final double ERROR_MAX = 2;
    private static final double NAIVE_FROM = 10;

    /** How late clicks are taken. */
    private enum Arm {
        CORRECTED("corrected", ATTRIBUTION),
        NAIVE("naive", OBSERVATION);

        private final String label;

        @SuppressWarnings("ImmutableEnumChecker") // a Duration is
        private final Duration attribution;

        Arm(String label, Duration attribution) {
            this.label = label;
            this.attribution = attribution;
        }

        LearningSettings learning() {
            return LearningSettings.newBuilder()
                    .setClick(SignalSettings.newBuilder()
                            .setLoss(Loss.LOSS_BINARY)
                            .setObservationMillis(OBSERVATION.toMillis())
                            .setAttributionMillis(attribution.toMillis()))
                    // Several clicks on a slate are no flood here: each is to count.
                    .setGuard(GuardSettings.newBuilder()
                            .setExamplesPerUserMax(0)
                            .setRoundShareMax(0)
                            .setClicksPerHourMax(0)
                            .setExamplesPerItemMax(0)
                            .setNewcomerShareMax(0))
                    .build();
        }
    }

    @Override
    public String name() {
        return "delayed-feedback";
    }

    @Override
    public String summary() {
        return "clicks of which 60 % come within the observation window: the predicted rate, corrected and naive";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("groups", GROUPS);
        settings.put("ticks", TICKS);
        settings.put("ticksMeasured", MEASURED);
        settings.put("asksPerTick", ASKS);
        settings.put("tickSeconds", TICK.toSeconds());
        settings.put("observationSeconds", OBSERVATION.toSeconds());
        settings.put("attributionMinutes", ATTRIBUTION.toMinutes());
        settings.put("clicksWithinObservation", DELAYS.windowShare());
        settings.put("tailMeanSeconds", DELAYS.tailMean().toSeconds());
        settings.put("clickRateLiked", LIKED);
        settings.put("clickRateOther", OTHER);
        return settings;
    }

    @Override
    public int steps() {
        return TICKS;
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        Play play = new Play(stage, seed);
        for (int tick = 0; tick < TICKS; tick++) {
            play.tick(tick >= TICKS - MEASURED);
            stage.step(play.note());
        }
        return play.figures(seed);
    }

    private record Ask(Audience.Reader reader, List<Audience.Item> items) {}

    private record Due(long atMillis, Stage.Sending sending) {}

    /** What was predicted for the items that were shown, and what was true of them. */
    private static final class Rates {
        private final DoubleSummaryStatistics ofLiked = new DoubleSummaryStatistics();
        private final DoubleSummaryStatistics ofOthers = new DoubleSummaryStatistics();
        private double recent = Double.NaN;

        void add(double predicted, boolean likes) {
            (likes ? ofLiked : ofOthers).accept(predicted);
        }

        double predicted() {
            return (ofLiked.getSum() + ofOthers.getSum()) / items();
        }

        double actual() {
            return (ofLiked.getCount() * LIKED + ofOthers.getCount() * OTHER) / items();
        }

        private long items() {
            return ofLiked.getCount() + ofOthers.getCount();
        }

        void into(SeedFigures figures, String arm) {
            figures.with(arm, "predictedRate", predicted())
                    .with(arm, "trueRate", actual())
                    .with(arm, ERROR, 100 * (predicted() / actual() - 1))
                    .with(arm, "predictedRateOfLiked", ofLiked.getAverage())
                    .with(arm, "predictedRateOfOthers", ofOthers.getAverage());
        }
    }

    private static final class Play {
        private final Stage stage;
        private final long seed;
        private final Audience audience;
        private final SplittableRandom random;
        private final Evenly likedLuck;
        private final Evenly otherLuck;
        private final Evenly delays;
        private final PriorityQueue<Due> due =
                new PriorityQueue<>(Comparator.comparingLong(Due::atMillis));
        private final Map<Arm, Rates> rates = new LinkedHashMap<>();
        private long clicks;

        Play(Stage stage, long seed) {
            this.stage = stage;
            this.seed = seed;
            this.audience = new Audience(seed, GROUPS);
            this.random = new SplittableRandom(seed);
            this.likedLuck = new Evenly(random.nextDouble());
            this.otherLuck = new Evenly(random.nextDouble());
            this.delays = new Evenly(random.nextDouble());
            for (Arm arm : Arm.values()) {
                rates.put(arm, new Rates());
                stage.createAdapter(name(arm), AdapterSettings.estimator(), arm.learning());
            }
        }

        private String name(Arm arm) {
            return "simulated/delayed-%s-%d".formatted(arm.label, seed);
        }

        void tick(boolean measured) throws InterruptedException {
            List<Ask> asks = new ArrayList<>();
            List<Callable<RankReply>> calls = new ArrayList<>();
            for (int i = 0; i < ASKS; i++) {
                asks.add(new Ask(audience.reader(random), audience.candidates(random)));
            }
            for (Arm arm : Arm.values()) {
                for (Ask ask : asks) {
                    calls.add(() -> stage.client().rank(name(arm), ask.reader, ask.items, GROUPS));
                }
            }
            List<RankReply> replies = stage.client().all(calls);
            for (int i = 0; i < ASKS; i++) {
                react(asks.get(i), replies.subList(i, replies.size()), measured);
            }
            deliver(stage.clock().millis() + TICK.toMillis());
        }

        /** The same clicks, after the same times, for all arms. */
        private void react(Ask ask, List<RankReply> replies, boolean measured) {
            Map<String, Long> clickedAt = new LinkedHashMap<>();
            for (Audience.Item item : ask.items) {
                boolean likes = audience.likes(ask.reader, item, 0);
                if ((likes ? likedLuck : otherLuck).next() < (likes ? LIKED : OTHER)) {
                    clickedAt.put(item.id(),
                            stage.clock().millis() + DELAYS.at(delays.next()).toMillis());
                }
            }
            for (Arm arm : Arm.values()) {
                RankReply reply = replies.get(arm.ordinal() * ASKS);
                clickedAt.forEach((item, at) -> due.add(new Due(at, click(ask, reply, item))));
                count(ask, reply, rates.getOrDefault(arm, new Rates()), measured);
            }
        }

        private Stage.Sending click(Ask ask, RankReply reply, String item) {
            return new Stage.Sending(reply.getFeedbackToken(), "delayed-%d-%d".formatted(seed,
                    clicks++), ask.reader.user(),
                    Signal.newBuilder().setClick(Click.newBuilder().setCandidateId(item)).build());
        }

        private void count(Ask ask, RankReply reply, Rates arm, boolean measured) {
            double sum = 0;
            for (RankedItem item : reply.getItemsList()) {
                double predicted = 1 / (1 + Math.exp(-item.getScore()));
                sum += predicted;
                if (measured) {
                    arm.add(predicted,
                            audience.likes(ask.reader, ask.items.get(item.getIndex()), 0));
                }
            }
            arm.recent = sum / reply.getItemsCount();
        }

        /** Sends what is due until then, as it ends, and waits until it is learned. */
        private void deliver(long untilMillis) throws InterruptedException {
            List<Stage.Sending> now = new ArrayList<>();
            for (Due next = due.peek(); next != null
                    && next.atMillis < untilMillis; next = due.peek()) {
                due.remove();
                now.add(next.sending);
            }
            // Windows are multiples of a tick: what is due within one is sent before its end.
            stage.clock().advanceTo(untilMillis - 1);
            stage.send(now);
            stage.settle();
            stage.clock().advanceTo(untilMillis);
        }

        String note() {
            StringBuilder note = new StringBuilder();
            rates.forEach(
                    (arm, rate) -> note.append("%s %.3f  ".formatted(arm.label, rate.recent)));
            return note.toString();
        }

        SeedFigures figures(long seed) {
            SeedFigures figures = new SeedFigures(seed);
            rates.forEach((arm, rate) -> rate.into(figures, arm.label));
            return figures;
        }
    }

    @Override
    public String target() {
        return "the predicted rate is within %.0f %% of the true one, and the naive setting is off by more than %.0f %% (means over seeds)"
                .formatted(ERROR_MAX, NAIVE_FROM);
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        return Math.abs(mean(seeds, Arm.CORRECTED)) <= ERROR_MAX
                && Math.abs(mean(seeds, Arm.NAIVE)) > NAIVE_FROM;
    }

    private static double mean(List<SeedFigures> seeds, Arm arm) {
        return Interval.of(seeds.stream().map(seed -> seed.figure(arm.label, ERROR)).toList())
                .mean();
    }
}
