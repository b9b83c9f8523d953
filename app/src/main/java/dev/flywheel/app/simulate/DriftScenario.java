package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.ReleasePolicy;
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
 * What freshness is worth: every ten minutes the taste of one group moves on, and arms that learn alike publish what they learned never, every 30
 * minutes, every minute, or every second of event time.
 *
 * <p>Traffic comes in spells of a minute, one every ten minutes, since most of an hour's traffic would only repeat itself. Each
 * arm is an adapter of its own, which learns from its own slates.
 */
record DriftScenario() implements Scenario {
    private static final int GROUPS = 4;
    private static final int SPELLS = 11;

    /** Spells before the first drift, in which the arms learn what there is to learn; they are not measured. */
    private static final int STEADY = 3;

    private static final int TICKS = 15;
    private static final int ASKS = 8;
    private static final Duration TICK = Duration.ofSeconds(4);
    private static final Duration SPELL_EVERY = Duration.ofMinutes(10);

    /** Of the first spell after a half hour. */
    private static final Duration OFFSET = Duration.ofMinutes(5);

    private static final Duration HALF_AN_HOUR = Duration.ofMinutes(30);

    private static final String REWARD = "reward";
    private static final String CHOICE_LOSS = "choiceLogLoss";

    @Override
    public String name() {
        return "drift";
    }

    @Override
    public String summary() {
        return "drifting tastes, learned and published never, every 30 min, 1 min and 1 s of event time";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("groups", GROUPS);
        settings.put("spells", SPELLS);
        settings.put("spellEveryMinutes", SPELL_EVERY.toMinutes());
        settings.put("spellsBeforeDrift", STEADY);
        settings.put("groupsDriftingPerSpell", 1);
        settings.put("ticksPerSpell", TICKS);
        settings.put("tickSeconds", TICK.toSeconds());
        settings.put("asksPerTick", ASKS);
        return settings;
    }

    @Override
    public int steps() {
        return SPELLS * TICKS;
    }

    /** How often what was learned is published. */
    enum Freshness {
        FROZEN("frozen", Duration.ZERO),
        HALF_HOUR("every 30 min", Duration.ofMinutes(30)),
        MINUTE("every 1 min", Duration.ofMinutes(1)),
        SECOND("every 1 s", Duration.ofSeconds(1));

        private final String label;

        @SuppressWarnings("ImmutableEnumChecker") // a Duration is
        private final Duration interval;

        Freshness(String label, Duration interval) {
            this.label = label;
            this.interval = interval;
        }

        /** Whether a time to publish has come since {@code beforeMillis}. */
        boolean due(long beforeMillis, long nowMillis) {
            long every = interval.toMillis();
            return every > 0 && nowMillis / every > beforeMillis / every;
        }
    }

    private record Ask(Audience.Reader reader, List<Audience.Item> items, long luck) {}

    /** What an arm's answers were worth, each judged before anything was learned from it. */
    private static final class Ledger {
        private double reward;
        private double loss;
        private int answers;

        void add(double worth, double choiceLoss) {
            reward += worth;
            loss += choiceLoss;
            answers++;
        }

        double meanReward() {
            return reward / answers;
        }

        double meanLoss() {
            return loss / answers;
        }
    }

    /** How often a group has drifted: they do so in turn. */
    static int phase(int group, int drifts) {
        return (drifts + GROUPS - 1 - group) / GROUPS;
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        Play play = new Play(stage, seed);
        long halfHour = HALF_AN_HOUR.toMillis();
        stage.clock().advanceTo((stage.clock().millis() / halfHour + 1) * halfHour);
        stage.clock().advance(OFFSET);
        for (int spell = 0; spell < SPELLS; spell++) {
            long begins = stage.clock().millis();
            for (int tick = 0; tick < TICKS; tick++) {
                play.tick(Math.max(0, spell - STEADY + 1));
                stage.step(play.note());
            }
            stage.clock().advanceTo(begins + SPELL_EVERY.toMillis());
        }
        return play.figures(seed);
    }

    private static final class Play {
        private final Stage stage;
        private final long seed;
        private final Audience audience;
        private final SplittableRandom random;
        private final Map<Freshness, Ledger> ledgers = new LinkedHashMap<>();
        private long publishedAt;

        Play(Stage stage, long seed) {
            this.stage = stage;
            this.seed = seed;
            this.audience = new Audience(seed, GROUPS);
            this.random = new SplittableRandom(seed);
            this.publishedAt = stage.clock().millis();
            AdapterSettings ranker = AdapterSettings.ranker();
            for (Freshness freshness : Freshness.values()) {
                ledgers.put(freshness, new Ledger());
                stage.createAdapter(adapter(freshness), new AdapterSettings(ranker.tenant(),
                        ranker.lora(), ranker.round(), ReleasePolicy.RELEASE_POLICY_MANUAL));
            }
        }

        private String adapter(Freshness freshness) {
            return "simulated/drift-%s-%d".formatted(freshness.label.replace(' ', '-'), seed);
        }

        void tick(int drifts) throws InterruptedException {
            publish();
            List<Ask> asks = new ArrayList<>();
            for (int i = 0; i < ASKS; i++) {
                asks.add(new Ask(audience.reader(random), audience.candidates(random),
                        random.nextLong()));
            }
            List<Callable<RankReply>> calls = new ArrayList<>();
            for (Freshness freshness : Freshness.values()) {
                for (Ask ask : asks) {
                    calls.add(() -> stage.client()
                            .rank(adapter(freshness), ask.reader, ask.items, GROUPS));
                }
            }
            List<RankReply> replies = stage.client().all(calls);
            stage.clock().advance(TICK.dividedBy(2));
            List<Stage.Sending> due = new ArrayList<>();
            for (int i = 0; i < replies.size(); i++) {
                react(Freshness.values()[i / ASKS], asks.get(i % ASKS), replies.get(i), drifts,
                        due);
            }
            stage.send(due);
            stage.settle();
            stage.clock().advance(TICK.dividedBy(2));
        }

        private void publish() {
            long now = stage.clock().millis();
            for (Freshness freshness : Freshness.values()) {
                if (freshness.due(publishedAt, now)) {
                    stage.publish(adapter(freshness));
                }
            }
            publishedAt = now;
        }

        private void react(Freshness freshness, Ask ask, RankReply reply, int drifts,
                List<Stage.Sending> due) {
            int phase = phase(ask.reader.group(), drifts);
            List<Boolean> likes = reply.getItemsList()
                    .stream()
                    .map(item -> audience.likes(ask.reader, ask.items.get(item.getIndex()), phase))
                    .toList();
            if (drifts > 0) {
                ledger(freshness).add(ClickModel.USUAL.rate(likes), choiceLoss(reply, likes));
            }
            int place = ClickModel.USUAL.click(likes, new SplittableRandom(ask.luck));
            if (place >= 0) {
                due.add(new Stage.Sending(reply.getFeedbackToken(), reply.getImpressionId(),
                        ask.reader.user(),
                        Signal.newBuilder()
                                .setClick(Click.newBuilder()
                                        .setCandidateId(reply.getItems(place).getCandidateId()))
                                .build()));
            }
        }

        private Ledger ledger(Freshness freshness) {
            return ledgers.computeIfAbsent(freshness, each -> new Ledger());
        }

        /** Returns -ln of the share that the scores give, by softmax, to what the reader likes. */
        private static double choiceLoss(RankReply reply, List<Boolean> likes) {
            double most = reply.getItemsList()
                    .stream()
                    .mapToDouble(RankedItem::getScore)
                    .max()
                    .orElse(0);
            double all = 0;
            double liked = 0;
            for (int i = 0; i < likes.size(); i++) {
                double weight = Math.exp(reply.getItems(i).getScore() - most);
                all += weight;
                liked += likes.get(i) ? weight : 0;
            }
            return Math.log(all / Math.max(liked, 1e-9));
        }

        String note() {
            return "reward frozen %.3f, 30 min %.3f, 1 min %.3f, 1 s %.3f".formatted(
                    ledger(Freshness.FROZEN).meanReward(), ledger(Freshness.HALF_HOUR).meanReward(),
                    ledger(Freshness.MINUTE).meanReward(), ledger(Freshness.SECOND).meanReward());
        }

        SeedFigures figures(long seed) {
            SeedFigures figures = new SeedFigures(seed);
            ledgers.forEach((freshness, ledger) -> figures
                    .with(freshness.label, REWARD, ledger.meanReward())
                    .with(freshness.label, CHOICE_LOSS, ledger.meanLoss()));
            return figures;
        }
    }

    @Override
    public String target() {
        return "prequential reward rises with each step of freshness, from never published on, and the log loss of what readers like falls"
                + " with each of those that are published (means over seeds)";
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        Freshness[] arms = Freshness.values();
        for (int i = 1; i < arms.length; i++) {
            // What is stale is wrong and sure of it: its log loss may well be above that of a base that never knew.
            boolean lessLoss = i == 1
                    || mean(seeds, arms[i], CHOICE_LOSS) < mean(seeds, arms[i - 1], CHOICE_LOSS);
            if (!lessLoss || mean(seeds, arms[i], REWARD) <= mean(seeds, arms[i - 1], REWARD)) {
                return false;
            }
        }
        return true;
    }

    private static double mean(List<SeedFigures> seeds, Freshness arm, String figure) {
        return Interval.of(seeds.stream().map(seed -> seed.figure(arm.label, figure)).toList())
                .mean();
    }
}
