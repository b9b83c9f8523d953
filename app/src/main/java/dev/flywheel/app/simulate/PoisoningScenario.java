package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankedItem;
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
 * Attackers among honest readers, once against the default caps and once without any, beside controls without attackers. All
 * arms see the same honest readers; what one learns of them differs by its explorations, so there are several controls.
 */
record PoisoningScenario() implements Scenario {
    private static final int GROUPS = 4;
    private static final int READERS_PER_GROUP = 10;
    private static final int FIRST_ROUNDS = 24;
    private static final int QUIET_ROUNDS = 12;
    private static final int ATTACKED_ROUNDS = 18;
    private static final int CONTROLS = 3;
    private static final int EXAM = 480;
    private static final int HONEST = 10;
    private static final int ATTACKS = 12;
    private static final Duration READING = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofSeconds(55);

    /** Attackers come when most honest readers have long been known and have come back. */
    private static final Duration BETWEEN_QUIET = Duration.ofMinutes(20);

    private static final Duration AFTER_FIRST = Duration.ofHours(2);

    private static final String CAPPED = "default caps";
    private static final String UNCAPPED = "no caps";
    private static final String GAIN = "gainPoints";
    private static final double GAIN_MAX = 1;
    private static final double REAL_FROM = 20;

    private static final LearningSettings NO_CAPS = LearningSettings.newBuilder()
            .setGuard(GuardSettings.newBuilder()
                    .setExamplesPerUserMax(0)
                    .setRoundShareMax(0)
                    .setClicksPerHourMax(0)
                    .setThumbsPerHourMax(0)
                    .setCorrectionsPerHourMax(0)
                    .setExamplesPerItemMax(0)
                    .setNewcomerShareMax(0))
            .build();

    @Override
    public String name() {
        return "poisoning";
    }

    @Override
    public String summary() {
        return "one user, rings of pseudonyms and flipped labels, with default caps and without";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("groups", GROUPS);
        settings.put("honestAsksPerRound", HONEST);
        settings.put("attacksPerRound", ATTACKS);
        settings.put("roundSeconds", READING.plus(PAUSE).toSeconds());
        settings.put("honestReaders", GROUPS * READERS_PER_GROUP);
        settings.put("firstRounds", FIRST_ROUNDS);
        settings.put("quietRounds", QUIET_ROUNDS);
        settings.put("quietRoundMinutes", BETWEEN_QUIET.toMinutes());
        settings.put("roundsUnderAttack", ATTACKED_ROUNDS);
        settings.put("controls", CONTROLS);
        settings.put("slatesMeasured", EXAM);
        return settings;
    }

    @Override
    public int steps() {
        return FIRST_ROUNDS + QUIET_ROUNDS + ATTACKED_ROUNDS;
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        Play play = new Play(stage, seed);
        int attack = FIRST_ROUNDS + QUIET_ROUNDS;
        for (int round = 0; round < steps(); round++) {
            if (round == FIRST_ROUNDS) {
                stage.clock().advance(AFTER_FIRST);
            }
            play.round(round >= attack);
            if (round >= FIRST_ROUNDS && round < attack) {
                stage.clock().advance(BETWEEN_QUIET);
            }
            stage.step(round < attack ? "honest readers alone" : "under attack");
        }
        play.exam();
        return play.figures();
    }

    private static String figuresArm(Attack attack, String caps) {
        return attack.name() + ", " + caps;
    }

    /** One adapter, and who attacks it. */
    private static final class Arm {
        final String adapter;
        final String caps;
        final Attack attack;
        final boolean attacked;
        final List<String> attackIds = new ArrayList<>();
        long attacks;
        long measured;
        long wanted;

        Arm(String adapter, String caps, Attack attack, boolean attacked) {
            this.adapter = adapter;
            this.caps = caps;
            this.attack = attack;
            this.attacked = attacked;
        }

        double points() {
            return 100.0 * wanted / measured;
        }
    }

    /** A slate that is asked for, and by whom. */
    private record Ask(
            Arm arm,
            Audience.Reader reader,
            List<Audience.Item> items,
            boolean honest,
            long luck) {}

    private static final class Play {
        private final Stage stage;
        private final long seed;
        private final Audience audience;
        private final SplittableRandom random;
        private final List<Arm> arms = new ArrayList<>();
        /** The first honest reader who clicked. */
        private String known = "";
        /** The honest readers' slates of all controls, by what is wanted on top. */
        private final Map<Attack.Aim, Arm> controls = new LinkedHashMap<>();

        Play(Stage stage, long seed) {
            this.stage = stage;
            this.seed = seed;
            this.audience = new Audience(seed, GROUPS, READERS_PER_GROUP);
            this.random = new SplittableRandom(seed);
            for (int i = 1; i <= CONTROLS; i++) {
                arm("control " + i, CAPPED, Attack.ALL.getFirst(), false);
            }
            // Nobody asks for these: they count what the controls' slates have on top, by aim.
            for (Attack attack : Attack.ALL) {
                controls.putIfAbsent(attack.aim(), new Arm("", CAPPED, attack, false));
            }
            for (Attack attack : Attack.ALL) {
                arm(attack.name(), CAPPED, attack, true);
                arm(attack.name(), UNCAPPED, attack, true);
            }
        }

        private Arm arm(String name, String caps, Attack attack, boolean attacked) {
            Arm arm = new Arm("simulated/%s-%s-%d".formatted(name.replace(' ', '-'),
                    caps.replace(' ', '-'), seed), caps, attack, attacked);
            stage.createAdapter(arm.adapter, AdapterSettings.ranker(),
                    caps.equals(CAPPED) ? LearningSettings.getDefaultInstance() : NO_CAPS);
            arms.add(arm);
            return arm;
        }

        void round(boolean attack) throws InterruptedException {
            List<Ask> asks = honestAsks();
            for (int i = 0; i < (attack ? ATTACKS : 0); i++) {
                List<Audience.Item> items = withTarget(audience.candidates(random));
                SplittableRandom disguise = random.split();
                for (Arm arm : arms) {
                    if (arm.attacked) {
                        asks.add(new Ask(arm,
                                arm.attack.attacker(arm.attacks++, known, audience,
                                        disguise.split()),
                                items, false, 0));
                    }
                }
            }
            Audience.shuffle(asks, random.split());
            List<RankReply> replies = rank(asks);
            stage.clock().advance(READING);
            List<Stage.Sending> due = new ArrayList<>();
            for (int i = 0; i < asks.size(); i++) {
                react(asks.get(i), replies.get(i), due);
            }
            stage.send(due);
            stage.settle();
            stage.clock().advance(PAUSE);
        }

        private List<Ask> honestAsks() {
            List<Ask> asks = new ArrayList<>();
            for (int i = 0; i < HONEST; i++) {
                Audience.Reader reader = audience.reader(random);
                List<Audience.Item> items = withTarget(audience.candidates(random));
                long luck = random.nextLong();
                arms.forEach(arm -> asks.add(new Ask(arm, reader, items, true, luck)));
            }
            return asks;
        }

        private List<Audience.Item> withTarget(List<Audience.Item> items) {
            List<Audience.Item> all = new ArrayList<>(items);
            all.add(random.nextInt(all.size() + 1), audience.unloved(0));
            return all;
        }

        private List<RankReply> rank(List<Ask> asks) throws InterruptedException {
            List<Callable<RankReply>> calls = new ArrayList<>();
            for (Ask ask : asks) {
                calls.add(() -> stage.client()
                        .rank(ask.arm.adapter, ask.reader, ask.items, ask.items.size()));
            }
            return stage.client().all(calls);
        }

        private void react(Ask ask, RankReply reply, List<Stage.Sending> due) {
            List<Audience.Item> slate = slate(ask, reply);
            int place = ask.honest ? honest(ask, slate) : wanted(ask, slate);
            if (place >= 0 && ask.honest && known.isEmpty()) {
                known = ask.reader.user();
            }
            if (place >= 0 && !ask.honest) {
                ask.arm.attackIds.add(reply.getImpressionId());
            }
            if (place >= 0) {
                due.add(new Stage.Sending(reply.getFeedbackToken(), reply.getImpressionId(),
                        ask.reader.user(),
                        Signal.newBuilder()
                                .setClick(Click.newBuilder().setCandidateId(slate.get(place).id()))
                                .build()));
            }
        }

        private static List<Audience.Item> slate(Ask ask, RankReply reply) {
            return reply.getItemsList()
                    .stream()
                    .map(RankedItem::getIndex)
                    .map(ask.items::get)
                    .toList();
        }

        /** Asks every arm for the same honest readers once more, who click nothing any more. */
        void exam() throws InterruptedException {
            for (int i = 0; i < EXAM / HONEST; i++) {
                List<Ask> asks = honestAsks();
                List<RankReply> replies = rank(asks);
                for (int a = 0; a < asks.size(); a++) {
                    measure(asks.get(a), slate(asks.get(a), replies.get(a)).getFirst());
                }
            }
        }

        private int honest(Ask ask, List<Audience.Item> slate) {
            return ClickModel.USUAL.click(
                    slate.stream().map(item -> audience.likes(ask.reader, item, 0)).toList(),
                    new SplittableRandom(ask.luck));
        }

        private int wanted(Ask ask, List<Audience.Item> slate) {
            for (int place = 0; place < slate.size(); place++) {
                if (ask.arm.attack.wants(slate.get(place), ask.reader.group(), audience)) {
                    return place;
                }
            }
            return -1;
        }

        private void measure(Ask ask, Audience.Item top) {
            List<Arm> counting = ask.arm.attacked ? List.of(ask.arm)
                    : List.copyOf(controls.values());
            for (Arm arm : counting) {
                arm.measured++;
                arm.wanted += arm.attack.wants(top, ask.reader.group(), audience) ? 1 : 0;
            }
        }

        SeedFigures figures() {
            SeedFigures figures = new SeedFigures(seed);
            controls.forEach((aim, control) -> figures.with("controls", aim + "OnTopPercent",
                    control.points()));
            for (Arm arm : arms) {
                Arm control = controls.get(arm.attack.aim());
                if (arm.attacked && control != null) {
                    String name = figuresArm(arm.attack, arm.caps);
                    figures.with(name, "attackClicksTrainedPercent",
                            100.0 * stage.trained(arm.attackIds) / arm.attackIds.size())
                            .with(name, "onTopPercent", arm.points())
                            .with(name, GAIN, arm.points() - control.points());
                }
            }
            return figures;
        }
    }

    @Override
    public String target() {
        return "where an attack without caps puts what it wants on top of at least %.0f points more of the honest readers' slates than in"
                .formatted(REAL_FROM)
                + " the controls, with default caps it gains at most %.0f point (means over seeds); at least one does"
                        .formatted(GAIN_MAX);
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        List<Attack> real = Attack.ALL.stream()
                .filter(attack -> mean(seeds, attack, UNCAPPED) >= REAL_FROM)
                .toList();
        return !real.isEmpty()
                && real.stream().allMatch(attack -> mean(seeds, attack, CAPPED) <= GAIN_MAX);
    }

    private static double mean(List<SeedFigures> seeds, Attack attack, String caps) {
        return Interval
                .of(seeds.stream()
                        .map(seed -> seed.figure(figuresArm(attack, caps), GAIN))
                        .toList())
                .mean();
    }
}
