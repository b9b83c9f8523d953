package dev.flywheel.app.simulate;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.GuardSettings;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.SignalSettings;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/**
 * A producer that writes feedback straight into Kafka, in bad order: some of it after what came later, some twice, some before
 * the answer it is about, some too late. Every event has to end once, where it belongs.
 *
 * <p>An answer that comes after its feedback is one of another node's: the producer writes it too, as a node does that has the
 * same token key.
 */
record JoinScenario() implements Scenario {
    private static final int GROUPS = 4;
    private static final int TICKS = 25;
    private static final int ASKS = 16;
    private static final Duration TICK = Duration.ofSeconds(10);
    private static final Duration ATTRIBUTION = Duration.ofMinutes(30);
    private static final double REORDERED = 0.10;
    private static final double DUPLICATED = 0.05;
    private static final double FIRST = 0.02;
    private static final double LATE = 0.01;
    private static final String EVENTS = "events";

    /** Every tick of a slow loop after the last: none of this scenario's time is measured. */
    private static final Duration DRAIN = Duration.ofMinutes(2);

    @Override
    public String name() {
        return "join";
    }

    @Override
    public String summary() {
        return "a direct producer whose events come reordered, twice, first or late: each is joined and counted once";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put(EVENTS, TICKS * ASKS);
        settings.put("reordered", REORDERED);
        settings.put("duplicated", DUPLICATED);
        settings.put("feedbackFirst", FIRST);
        settings.put("late", LATE);
        settings.put("attributionMinutes", ATTRIBUTION.toMinutes());
        settings.put("tickSeconds", TICK.toSeconds());
        return settings;
    }

    @Override
    public int steps() {
        return TICKS + 1;
    }

    private static LearningSettings learning() {
        return LearningSettings.newBuilder()
                .setClick(SignalSettings.newBuilder().setAttributionMillis(ATTRIBUTION.toMillis()))
                .setGuard(GuardSettings.newBuilder()
                        .setExamplesPerUserMax(0)
                        .setRoundShareMax(0)
                        .setClicksPerHourMax(0)
                        .setExamplesPerItemMax(0)
                        .setNewcomerShareMax(0))
                .build();
    }

    @Override
    public SeedFigures play(Stage stage, long seed) throws InterruptedException {
        String adapter = "simulated/join-%d".formatted(seed);
        stage.createAdapter(adapter, AdapterSettings.ranker(), learning());
        try (DirectProducer producer = stage.producer()) {
            Play play = new Play(stage, producer, adapter, seed);
            for (int tick = 0; tick < TICKS; tick++) {
                play.tick();
                stage.step("%d events produced".formatted(play.produced));
            }
            play.end();
            FeedbackFates fates = stage.drain(DRAIN);
            stage.step("drained");
            return play.figures(seed, fates);
        }
    }

    /** What is done with an event. */
    private enum Manner {
        IN_ORDER,
        REORDERED,
        DUPLICATED,
        FEEDBACK_FIRST,
        LATE
    }

    private static final class Play {
        private final Stage stage;
        private final DirectProducer producer;
        private final String adapter;
        private final long seed;
        private final Audience audience;
        private final SplittableRandom random;
        private final Evenly manners;
        private final Map<String, Manner> events = new LinkedHashMap<>();
        private List<FeedbackEvent> heldBack = new ArrayList<>();
        private final List<FeedbackEvent> again = new ArrayList<>();
        private final List<FeedbackEvent> late = new ArrayList<>();
        private long produced;

        Play(Stage stage, DirectProducer producer, String adapter, long seed) {
            this.stage = stage;
            this.producer = producer;
            this.adapter = adapter;
            this.seed = seed;
            this.audience = new Audience(seed, GROUPS);
            this.random = new SplittableRandom(seed);
            this.manners = new Evenly(random.nextDouble());
        }

        void tick() throws InterruptedException {
            List<Audience.Reader> readers = new ArrayList<>();
            List<Callable<RankReply>> calls = new ArrayList<>();
            for (int i = 0; i < ASKS; i++) {
                Audience.Reader reader = audience.reader(random);
                List<Audience.Item> items = audience.candidates(random);
                readers.add(reader);
                calls.add(() -> stage.client().rank(adapter, reader, items, GROUPS));
            }
            List<RankReply> replies = stage.client().all(calls);
            List<FeedbackEvent> reordered = heldBack;
            heldBack = new ArrayList<>();
            stage.clock().advance(TICK.dividedBy(2));
            for (int i = 0; i < ASKS; i++) {
                act(manner(), readers.get(i), replies.get(i));
            }
            // Behind what was received after them.
            for (FeedbackEvent event : reordered) {
                send(event);
            }
            stage.clock().advance(TICK.dividedBy(2));
        }

        private Manner manner() {
            double at = manners.next();
            return at < REORDERED ? Manner.REORDERED
                    : at < REORDERED + DUPLICATED ? Manner.DUPLICATED
                    : at < REORDERED + DUPLICATED + FIRST ? Manner.FEEDBACK_FIRST
                    : at < REORDERED + DUPLICATED + FIRST + LATE ? Manner.LATE
                    : Manner.IN_ORDER;
        }

        private void act(Manner manner, Audience.Reader reader, RankReply reply)
                throws InterruptedException {
            FeedbackEvent event = event(reader, reply);
            events.put(event.getFeedbackId(), manner);
            stage.outcomes().expect(DirectProducer.key(event.getFeedbackId()));
            switch (manner) {
                case IN_ORDER -> send(event);
                case REORDERED -> heldBack.add(event);
                case DUPLICATED -> {
                    send(event);
                    send(event);
                    again.add(event);
                }
                case FEEDBACK_FIRST -> first(event, reply);
                case LATE -> late.add(event);
            }
        }

        private FeedbackEvent event(Audience.Reader reader, RankReply reply) {
            String item = reply.getItems(random.nextInt(reply.getItemsCount())).getCandidateId();
            return FeedbackEvent.newBuilder()
                    .setFeedbackId("join-%d-%d".formatted(seed, events.size()))
                    .setSource(DirectProducer.SOURCE)
                    .setImpressionId(reply.getImpressionId())
                    .setTenant("default")
                    .setUser(reader.user())
                    .setFeedbackToken(reply.getFeedbackToken())
                    .setSignal(Signal.newBuilder()
                            .setClick(Click.newBuilder()
                                    .setCandidateId(item)))
                    .setReceivedAtMillis(stage.clock().millis())
                    .build();
        }

        /** The same answer of another node, told after what was said about it. */
        private void first(FeedbackEvent event, RankReply reply) throws InterruptedException {
            Impression served = stage.impressions().find(reply.getImpressionId());
            Impression other = served.toBuilder()
                    .setImpressionId("other-" + served.getImpressionId())
                    .setNodeId("other")
                    .build();
            String token = stage.signer().sign(FeedbackToken.of(other, Duration.ofDays(1)));
            send(event.toBuilder()
                    .setImpressionId(other.getImpressionId())
                    .setFeedbackToken(token)
                    .build());
            producer.send(other);
        }

        /** What is late comes when its time is over, and what came twice comes a third time. */
        void end() throws InterruptedException {
            for (FeedbackEvent event : heldBack) {
                send(event);
            }
            stage.clock().advance(ATTRIBUTION.plusMinutes(1));
            long now = stage.clock().millis();
            for (FeedbackEvent event : late) {
                send(event.toBuilder().setReceivedAtMillis(now).build());
            }
            for (FeedbackEvent event : again) {
                send(event);
            }
            stage.settle();
        }

        private void send(FeedbackEvent event) throws InterruptedException {
            producer.send(event);
            produced++;
        }

        SeedFigures figures(long seed, FeedbackFates fates) {
            SeedFigures figures = new SeedFigures(seed);
            for (Manner manner : Manner.values()) {
                List<String> ids = events.keySet()
                        .stream()
                        .filter(id -> events.get(id) == manner)
                        .toList();
                String arm = manner.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
                figures.with(arm, EVENTS, ids.size());
                figures.with(arm, "asTheyShould", ids.stream()
                        .filter(id -> stage.outcomes()
                                .end(DirectProducer.key(id))
                                .equals(manner == Manner.LATE ? "late" : Outcomes.TRAINED))
                        .count());
            }
            return figures.with("all", EVENTS, events.size())
                    .with("all", "records", produced)
                    .with("all", "inTwoRounds", stage.outcomes().repeated())
                    .with("audit", "difference", fates.difference())
                    .with("audit", "pending", fates.pending())
                    .with("audit", "inTwoManifests", fates.repeated());
        }
    }

    @Override
    public String target() {
        return "every event within its window is trained on, once; every late one is refused as late; the audit after a drain balances";
    }

    @Override
    public boolean met(List<SeedFigures> seeds) {
        return seeds.stream().allMatch(JoinScenario::met);
    }

    private static boolean met(SeedFigures seed) {
        boolean asTheyShould = seed.arms()
                .values()
                .stream()
                .filter(arm -> arm.containsKey("asTheyShould"))
                .allMatch(arm -> arm.getOrDefault("asTheyShould", 0.0)
                        .equals(arm.getOrDefault(EVENTS, -1.0)));
        return asTheyShould
                && seed.figure("all", "inTwoRounds") == 0
                && seed.figure("audit", "difference") == 0
                && seed.figure("audit", "pending") == 0
                && seed.figure("audit", "inTwoManifests") == 0;
    }
}
