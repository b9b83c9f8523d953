package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * Readers who give one kind of signal about slates, and nothing else, to an adapter that learns; the same readers are shown
 * what the frozen base would have ranked.
 */
record RankingScenario(
        String name,
        String summary,
        Reaction reaction,
        AdapterSettings adapter,
        int rounds) implements Scenario {
    private static final int GROUPS = 4;
    private static final int ASKS = 16;
    private static final int SLATE = 3;
    private static final Duration READING = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofSeconds(30);

    @Override
    public Map<String, Object> settings() {
        return Map.of("groups", GROUPS, "rounds", rounds, "asksPerRound", ASKS, "slate", SLATE,
                "roundSeconds", READING.plus(PAUSE).toSeconds());
    }

    @Override
    public int steps() {
        return rounds;
    }

    private record Ask(Audience.Reader reader, List<Audience.Item> items) {}

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String adapter = "simulated/%s-%d".formatted(name, seed);
        stage.createAdapter(adapter, this.adapter);
        Audience audience = new Audience(seed, GROUPS);
        SplittableRandom random = new SplittableRandom(seed);
        Gains gains = new Gains();
        for (int round = 0; round < rounds; round++) {
            List<Ask> asks = new ArrayList<>();
            for (int i = 0; i < ASKS; i++) {
                asks.add(new Ask(audience.reader(random), audience.candidates(random)));
            }
            play(stage, adapter, audience, asks, gains, random.split());
            stage.step("learned %.3f, frozen %.3f".formatted(gains.recent(ASKS * 5),
                    gains.recentFrozen(ASKS * 5)));
        }
        return gains.figures(seed);
    }

    private void play(Stage stage, String adapter, Audience audience, List<Ask> asks, Gains gains,
            SplittableRandom random) throws InterruptedException {
        List<RankReply> learned = rank(stage, adapter, asks);
        List<RankReply> frozen = rank(stage, "", asks);
        stage.clock().advance(READING);
        List<Stage.Sending> due = new ArrayList<>();
        for (int i = 0; i < asks.size(); i++) {
            Ask ask = asks.get(i);
            RankReply reply = learned.get(i);
            List<Boolean> likes = likes(audience, ask, reply);
            gains.add(reaction.worth(likes),
                    reaction.worth(likes(audience, ask, frozen.get(i))));
            List<String> ids =
                    reply.getItemsList().stream().map(RankedItem::getCandidateId).toList();
            reaction.signal(ids, likes, random)
                    .ifPresent(signal -> due.add(new Stage.Sending(reply.getFeedbackToken(),
                            reply.getImpressionId(), ask.reader().user(), signal)));
        }
        stage.send(due);
        stage.settle();
        stage.clock().advance(PAUSE);
    }

    private static List<RankReply> rank(Stage stage, String adapter, List<Ask> asks)
            throws InterruptedException {
        List<Callable<RankReply>> calls = new ArrayList<>();
        for (Ask ask : asks) {
            calls.add(() -> stage.client().rank(adapter, ask.reader(), ask.items(), SLATE));
        }
        return stage.client().all(calls);
    }

    private static List<Boolean> likes(Audience audience, Ask ask, RankReply reply) {
        return reply.getItemsList()
                .stream()
                .map(item -> audience.likes(ask.reader(), ask.items().get(item.getIndex()), 0))
                .toList();
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
