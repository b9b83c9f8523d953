package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * Items that nobody has seen before: first new ones of topics that are known, which take the old ones' places at once, then
 * ones of a new topic, which a group of readers likes from then on and no longer its old one.
 */
record ColdItemsScenario() implements Scenario {
    private static final int GROUPS = 4;
    private static final int WARM_ITEMS = 8;
    private static final int ASKS = 16;
    private static final int ROUNDS = 20;
    private static final Duration READING = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofSeconds(30);
    private static final double KEPT = 0.9;
    private static final double LEARNED = 0.8;
    private static final String KNOWN_TOPICS = "new items, known topics";
    private static final String NEW_TOPIC = "new items, new topic";

    @Override
    public String name() {
        return "cold-items";
    }

    @Override
    public String summary() {
        return "items never seen before: how soon they are shown and learned";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("groups", GROUPS);
        settings.put("knownItemsPerTopic", WARM_ITEMS);
        settings.put("newItemsPerTopic", Audience.ITEMS_PER_TOPIC - WARM_ITEMS);
        settings.put("roundsPerPart", ROUNDS);
        settings.put("asksPerRound", ASKS);
        settings.put("roundSeconds", READING.plus(PAUSE).toSeconds());
        return settings;
    }

    @Override
    public int steps() {
        return 3 * ROUNDS;
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String adapter = "simulated/cold-items-%d".formatted(seed);
        stage.createAdapter(adapter, AdapterSettings.ranker());
        Play play = new Play(stage, adapter, seed);
        for (int round = 0; round < steps(); round++) {
            play.round(round / ROUNDS);
            stage.step(play.note());
        }
        return play.figures(seed);
    }

    private record Ask(Audience.Reader reader, List<Audience.Item> items) {}

    /**
     * @param part 0: known items; 1: new ones of known topics; 2: those of the new topic too
     * @param toldNew whether the reader likes the new topic
     * @param liked whether what the reader likes was on top
     */
    private record Seen(int part, int round, boolean toldNew, boolean liked) {}

    private static final class Play {
        private final Stage stage;
        private final String adapter;
        private final Audience audience;
        private final SplittableRandom random;
        private final List<Seen> seen = new ArrayList<>();
        private int round;

        Play(Stage stage, String adapter, long seed) {
            this.stage = stage;
            this.adapter = adapter;
            this.audience = new Audience(seed, GROUPS);
            this.random = new SplittableRandom(seed);
        }

        void round(int part) throws InterruptedException {
            List<Ask> asks = new ArrayList<>();
            List<Callable<RankReply>> calls = new ArrayList<>();
            for (int i = 0; i < ASKS; i++) {
                Ask ask = new Ask(audience.reader(random), items(part));
                asks.add(ask);
                calls.add(() -> stage.client()
                        .rank(adapter, ask.reader, ask.items, ask.items.size()));
            }
            List<RankReply> replies = stage.client().all(calls);
            stage.clock().advance(READING);
            List<Stage.Sending> due = new ArrayList<>();
            for (int i = 0; i < ASKS; i++) {
                react(part, asks.get(i), replies.get(i), due);
            }
            stage.send(due);
            stage.settle();
            stage.clock().advance(PAUSE);
            round++;
        }

        private List<Audience.Item> items(int part) {
            List<Audience.Item> items = new ArrayList<>(part == 0
                    ? audience.candidates(random, 0, WARM_ITEMS)
                    : audience.candidates(random, WARM_ITEMS, Audience.ITEMS_PER_TOPIC));
            if (part == 2) {
                items.add(random.nextInt(items.size() + 1),
                        audience.unloved(random.nextInt(Audience.ITEMS_PER_TOPIC)));
            }
            return items;
        }

        private void react(int part, Ask ask, RankReply reply, List<Stage.Sending> due) {
            boolean toldNew = part == 2 && ask.reader.group() == 0;
            List<Boolean> likes = reply.getItemsList()
                    .stream()
                    .map(item -> ask.items.get(item.getIndex()))
                    .map(item -> toldNew ? item.topic() == GROUPS
                            : audience.likes(ask.reader, item, 0))
                    .toList();
            seen.add(new Seen(part, round, toldNew, likes.getFirst()));
            int place = ClickModel.USUAL.click(likes, random);
            if (place >= 0) {
                due.add(new Stage.Sending(reply.getFeedbackToken(), reply.getImpressionId(),
                        ask.reader.user(),
                        Signal.newBuilder()
                                .setClick(Click.newBuilder()
                                        .setCandidateId(reply.getItems(place).getCandidateId()))
                                .build()));
            }
        }

        String note() {
            return "liked on top %.3f".formatted(
                    onTop(seen.subList(Math.max(0, seen.size() - 5 * ASKS), seen.size())));
        }

        private static double onTop(List<Seen> some) {
            return some.stream()
                    .mapToDouble(each -> each.liked ? 1 : 0)
                    .average()
                    .orElse(Double.NaN);
        }

        SeedFigures figures(long seed) {
            List<Seen> news = seen.stream().filter(Seen::toldNew).toList();
            return new SeedFigures(seed)
                    .with("known items", "likedOnTop", part(0, ROUNDS / 2, ROUNDS))
                    .with(KNOWN_TOPICS, "likedOnTopFirst3Rounds", part(1, ROUNDS, ROUNDS + 3))
                    .with(KNOWN_TOPICS, "likedOnTop", part(1, ROUNDS, 2 * ROUNDS))
                    .with(NEW_TOPIC, "likedOnTopFirst3Rounds",
                            onTop(news.stream()
                                    .filter(each -> each.round < 2 * ROUNDS + 3)
                                    .toList()))
                    .with(NEW_TOPIC, "likedOnTopLastHalf",
                            onTop(news.subList(news.size() / 2, news.size())))
                    .with(NEW_TOPIC, "secondsToLearn", secondsToLearn(news));
        }

        private double part(int part, int from, int to) {
            return onTop(seen.stream()
                    .filter(each -> each.part == part && each.round >= from && each.round < to)
                    .toList());
        }

        /** Returns after how much event time four of five readers in a row got it on top; NaN if that never came. */
        private static double secondsToLearn(List<Seen> news) {
            for (int i = 5; i <= news.size(); i++) {
                if (onTop(news.subList(i - 5, i)) >= LEARNED) {
                    return (news.get(i - 1).round - 2 * ROUNDS + 1)
                            * (double) READING.plus(PAUSE).toSeconds();
                }
            }
            return Double.NaN;
        }
    }

    @Override
    public String target() {
        return "in their first three rounds, new items of known topics are on top at least %.1f times as often as known ones; those of a new topic"
                .formatted(KEPT)
                + " are on top for those who like them in more than half of the second half of the slates (means over seeds)";
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        return mean(seeds, KNOWN_TOPICS, "likedOnTopFirst3Rounds")
                >= KEPT * mean(seeds, "known items", "likedOnTop")
                && mean(seeds, NEW_TOPIC, "likedOnTopLastHalf") > 0.5;
    }

    private static double mean(List<SeedFigures> seeds, String arm, String figure) {
        return Interval.of(seeds.stream().map(seed -> seed.figure(arm, figure)).toList()).mean();
    }
}
