package dev.flywheel.app.bench.join;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.RefusalReason;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenSigner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Makes up slates and clicks on them, with what goes wrong on the way. Of all records so many are moved behind later ones (within
 * what attribution allows for), so many events come twice, before their impression, too late, with a token that is none of ours,
 * or of an answer that nobody gave.
 */
final class JoinScript {
    static final double REORDERED = 0.10;
    static final double REPEATED = 0.05;
    static final double FIRST = 0.02;
    static final double LATE = 0.01;
    static final double FORGED = 0.005;
    static final double UNMATCHED = 0.005;

    private static final long BEGIN_MILLIS = 1_700_000_000_000L;
    private static final int CANDIDATES = 8;
    private static final int CANDIDATE_TOKENS = 12;
    private static final int PROMPT_TOKENS = 48;
    private static final Duration TOKEN_LIFETIME = Duration.ofDays(7);
    private static final String DIGEST = "5e".repeat(32);

    private final SplittableRandom random;
    private final TokenSigner signer;
    private final long windowMillis = JoinSettings.WINDOWS.longestWindow().toMillis();
    private final long disorderMillis = JoinSettings.OUT_OF_ORDERNESS.toMillis();
    private final List<List<Arrival>> partitions = new ArrayList<>();
    private final Set<FeedbackKey> joined = new HashSet<>();
    private final Map<RefusalReason, Long> refused = new EnumMap<>(RefusalReason.class);
    private long repeated;
    private long feedback;
    private long reordered;
    private long first;

    /** A record and when it is read. */
    private record Arrival(long millis, IntakeRecord record) {}

    private JoinScript(long seed, TokenSigner signer) {
        this.random = new SplittableRandom(seed);
        this.signer = signer;
    }

    static JoinStream stream(JoinSettings settings, TokenSigner signer) {
        JoinScript script = new JoinScript(settings.seed(), signer);
        for (int i = 0; i < settings.parallelism(); i++) {
            script.partitions.add(new ArrayList<>());
        }
        for (int i = 0; i < settings.impressions(); i++) {
            script.answer(i);
        }
        return script.stream();
    }

    private JoinStream stream() {
        List<List<IntakeRecord>> records = new ArrayList<>();
        for (List<Arrival> partition : partitions) {
            partition.sort(Comparator.comparingLong(Arrival::millis));
            records.add(partition.stream().map(Arrival::record).toList());
        }
        return new JoinStream(records, joined, refused, repeated, feedback, reordered, first);
    }

    private void answer(int number) {
        Impression impression = impression(number);
        long servedAt = impression.getServedAtMillis();
        boolean missing = random.nextDouble() < UNMATCHED;
        double clicks = random.nextDouble();
        int events = missing ? 1 : clicks < 0.4 ? 0 : clicks < 0.85 ? 1 : 2;
        long firstClick = Long.MAX_VALUE;
        for (int item = 0; item < events; item++) {
            firstClick = Math.min(firstClick, click(number, impression, item, missing));
        }
        if (missing) {
            return;
        }
        boolean after = firstClick < servedAt + windowMillis && random.nextDouble() < 2 * FIRST;
        if (after) {
            first++;
        }
        long readAt = after ? firstClick + 1 + random.nextLong(disorderMillis)
                : disordered(servedAt);
        add(number, readAt, record(impression));
        if (random.nextDouble() < REPEATED) {
            // While it is remembered: later it would be a new one, whose examples the store's claims would refuse.
            add(number, Math.min(readAt + random.nextLong(5_000),
                    Math.max(readAt, servedAt + windowMillis - 1)), record(impression));
        }
    }

    /** Adds a click and returns when it is read. */
    private long click(int number, Impression impression, int item, boolean missing) {
        long servedAt = impression.getServedAtMillis();
        double fate = random.nextDouble();
        boolean late = !missing && fate < LATE;
        boolean forged = !missing && !late && fate < LATE + FORGED;
        // Most within seconds, a tail as long as the window, less what being read out of order adds.
        long delay = late ? windowMillis + random.nextLong(5_000)
                : Math.min(windowMillis - 1, (long) (-8_000 * Math.log(1 - random.nextDouble())));
        FeedbackEvent event =
                event(impression, number + "-" + item, item, servedAt + delay, forged);
        FeedbackKey key = FeedbackKey.newBuilder()
                .setSource(event.getSource())
                .setFeedbackId(event.getFeedbackId())
                .build();
        long readAt = disordered(servedAt + delay);
        add(number, readAt, record(event));
        feedback++;
        if (late || forged || missing) {
            refused.merge(late ? RefusalReason.REFUSAL_REASON_LATE
                    : forged ? RefusalReason.REFUSAL_REASON_FORGED
                    : RefusalReason.REFUSAL_REASON_UNMATCHED,
                    1L, Long::sum);
            return readAt;
        }
        joined.add(key);
        if (random.nextDouble() < REPEATED) {
            long again = Math.min(readAt + random.nextLong(5_000),
                    Math.max(readAt, servedAt + windowMillis - 1));
            add(number, again, record(event));
            feedback++;
            repeated++;
        }
        return readAt;
    }

    private long disordered(long millis) {
        if (random.nextDouble() >= REORDERED) {
            return millis;
        }
        reordered++;
        return millis + 1 + random.nextLong(disorderMillis - 1);
    }

    private void add(int number, long millis, IntakeRecord record) {
        partitions.get(number % partitions.size()).add(new Arrival(millis, record));
    }

    private static IntakeRecord record(Impression impression) {
        return IntakeRecord.newBuilder()
                .setEventTimeMillis(impression.getServedAtMillis())
                .setImpression(impression)
                .build();
    }

    private static IntakeRecord record(FeedbackEvent event) {
        return IntakeRecord.newBuilder()
                .setEventTimeMillis(event.getReceivedAtMillis())
                .setFeedback(TakenFeedback.newBuilder()
                        .setEvent(event)
                        .setOriginal(event.toByteString()))
                .build();
    }

    private Impression impression(int number) {
        Impression.Builder impression = Impression.newBuilder()
                .setImpressionId("01JD%022d".formatted(number))
                .setNodeId("node-" + number % 3)
                .setTenant("acme")
                .setUser("user-" + random.nextInt(10_000))
                .setConsent(Consent.CONSENT_TRAIN)
                .setKind(DecisionKind.DECISION_KIND_RANK)
                .setVersion(VersionRef.newBuilder()
                        .setAdapter("news/ranker")
                        .setNumber(1 + number / 10_000)
                        .setDigest(DIGEST))
                .setServedAtMillis(
                        BEGIN_MILLIS + number * 1_000L / JoinSettings.IMPRESSIONS_PER_SECOND)
                .setPolicy("epsilon-uniform")
                .setEpsilon(0.1)
                .setSeed(random.nextLong())
                .setScoring(Scoring.newBuilder().setVerdict(true).setAcceptId(1).setRejectId(2));
        for (int i = 0; i < PROMPT_TOKENS; i++) {
            impression.addPromptIds(random.nextInt(4_096));
        }
        for (int i = 0; i < CANDIDATES; i++) {
            impression.addCandidates(candidate(i));
        }
        return impression.build();
    }

    private ShownCandidate candidate(int index) {
        ShownCandidate.Builder candidate = ShownCandidate.newBuilder()
                .setId("item-" + index)
                .setScore(random.nextDouble(-3, 3))
                .setPlace(index)
                .setPropensity(random.nextDouble(0.01, 1));
        for (int i = 0; i < CANDIDATE_TOKENS; i++) {
            candidate.addIds(random.nextInt(4_096));
        }
        return candidate.build();
    }

    private FeedbackEvent event(Impression impression, String id, int item, long receivedAt,
            boolean forged) {
        String token = signer.sign(FeedbackToken.of(impression, TOKEN_LIFETIME));
        return FeedbackEvent.newBuilder()
                .setFeedbackId("click-" + id)
                .setSource("client/acme")
                .setImpressionId(impression.getImpressionId())
                .setTenant(impression.getTenant())
                .setUser(impression.getUser())
                .setFeedbackToken(forged ? "AA" + token.substring(2) : token)
                .setSignal(Signal.newBuilder()
                        .setClick(Click.newBuilder().setCandidateId("item-" + item)))
                .setClientTimeMillis(receivedAt)
                .setReceivedAtMillis(receivedAt)
                .build();
    }
}
