package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * Readers of one adapter's slates, who are shown what the frozen base would have ranked too. For one thread.
 */
final class RankingSession {
    static final int ASKS = 16;
    static final int SLATE = 3;

    /** From the answer to the signal. */
    static final Duration READING = Duration.ofSeconds(5);

    private final Stage stage;
    private final String adapter;
    private final List<Reaction> reactions;
    private final Audience audience;
    private final SplittableRandom random;
    private final Gains gains = new Gains();

    /**
     * @param groups of readers
     * @param reactions what readers do, each as often as the others
     */
    RankingSession(Stage stage, String adapter, int groups, List<Reaction> reactions, long seed) {
        this.stage = stage;
        this.adapter = adapter;
        this.reactions = List.copyOf(reactions);
        this.audience = new Audience(seed, groups);
        this.random = new SplittableRandom(seed);
    }

    private record Ask(Audience.Reader reader, List<Audience.Item> items, Reaction reaction) {}

    /** Plays a round of questions up to where its feedback has been sent. */
    void round() throws InterruptedException {
        List<Ask> asks = new ArrayList<>();
        for (int i = 0; i < ASKS; i++) {
            asks.add(new Ask(audience.reader(random), audience.candidates(random),
                    reactions.get(random.nextInt(reactions.size()))));
        }
        List<RankReply> learned = rank(adapter, asks);
        List<RankReply> frozen = rank("", asks);
        stage.clock().advance(READING);
        List<Stage.Sending> due = new ArrayList<>();
        for (int i = 0; i < asks.size(); i++) {
            react(asks.get(i), learned.get(i), frozen.get(i), due);
        }
        stage.send(due);
    }

    private void react(Ask ask, RankReply reply, RankReply frozen, List<Stage.Sending> due) {
        List<Boolean> likes = likes(ask, reply);
        gains.add(ask.reaction().worth(likes), ask.reaction().worth(likes(ask, frozen)));
        List<String> ids = reply.getItemsList().stream().map(RankedItem::getCandidateId).toList();
        ask.reaction()
                .signal(ids, likes, random)
                .ifPresent(signal -> due.add(new Stage.Sending(reply.getFeedbackToken(),
                        reply.getImpressionId(), ask.reader().user(), signal)));
    }

    private List<RankReply> rank(String name, List<Ask> asks) throws InterruptedException {
        List<Callable<RankReply>> calls = new ArrayList<>();
        for (Ask ask : asks) {
            calls.add(() -> stage.client().rank(name, ask.reader(), ask.items(), SLATE));
        }
        return stage.client().all(calls);
    }

    private List<Boolean> likes(Ask ask, RankReply reply) {
        return reply.getItemsList()
                .stream()
                .map(item -> audience.likes(ask.reader(), ask.items().get(item.getIndex()), 0))
                .toList();
    }

    Gains gains() {
        return gains;
    }
}
