package dev.flywheel.app.replay;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Consent;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.Reward;
import dev.flywheel.api.v1.ScoreReply;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.console.Progress;
import dev.flywheel.app.follow.ManifestFollower;
import dev.flywheel.app.local.LocalLoop;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * Sends ratings through the loop in order of time: predict, then tell.
 *
 * <p>Both arms read the same prompt: the user's recent titles with genres, each liked or not, and the next title. The
 * prediction is the probability of {@code yes} against {@code no}; only then the rating is sent as feedback on the
 * learning arm's answer.
 */
public final class ReplayRun {
    /** Adapter that learns. */
    public static final String ADAPTER = "movies/taste";

    private static final List<String> VERDICTS = List.of(" yes", " no");
    private static final long DEADLINE_SECONDS = 60;
    private static final int NOTE_EVERY = 100;
    private static final Duration DRAIN = Duration.ofMinutes(2);

    /** Examples that may be on their way: less than a second of learning. */
    private static final int BACKLOG = 12;

    /** Ratings shown in a prompt: enough to tell a generous user and a few genres, few enough to read fast. */
    private static final int HISTORY = 16;

    private final Settings settings;
    private final InferenceGrpc.InferenceBlockingStub inference;
    private final FeedbackGrpc.FeedbackBlockingStub feedback;
    private final Backlog backlog;
    private final LongSupplier nanos;
    private final Map<Integer, RatingHistory> histories = new HashMap<>();
    private final Prequential learned = new Prequential();
    private final Prequential frozen = new Prequential();
    private final LongAdder failed = new LongAdder();
    private final LongAdder acknowledged = new LongAdder();
    private String note = "";
    private int notedAt;

    /**
     * What shapes a replay.
     *
     * @param limit ratings to replay, in order of time
     * @param history recent ratings of a user that the prompt shows
     * @param run sets the feedback of this run apart from that of any other; nothing is learned from it
     */
    public record Settings(int limit, int history, String run) {}

    ReplayRun(Settings settings, Channel channel, Backlog backlog, LongSupplier nanos) {
        this.settings = settings;
        this.inference = InferenceGrpc.newBlockingStub(channel);
        this.feedback = FeedbackGrpc.newBlockingStub(channel);
        this.backlog = backlog;
        this.nanos = nanos;
    }

    /** Replays the first {@code limit} ratings against a node and drains it. */
    public static ReplayReport against(
            LocalLoop node, MovieLens data, int limit, PrintStream out, boolean terminal)
            throws InterruptedException {
        node.createAdapter(ADAPTER, ReplayAdapter.SETTINGS);
        LongSupplier nanos = System::nanoTime;
        Backlog backlog = new Backlog(BACKLOG, nanos);
        int count = Math.min(limit, data.ratings().size());
        Progress progress = new Progress(out, terminal, "ratings", count, nanos.getAsLong());
        try (ManifestFollower follower =
                new ManifestFollower(
                        StoreClient.over(node.channel()),
                        ADAPTER,
                        manifest -> backlog.ended(manifest.getFeedbackCount()))) {
            ReplayRun run =
                    new ReplayRun(
                            new Settings(count, HISTORY, runId(InstantSource.system())),
                            node.channel(), backlog, nanos);
            double seconds = run.run(data, progress);
            FeedbackFates fates = node.drain(DRAIN);
            return run.report(data, seconds, fates, follower.versions(), node.guardProfile());
        }
    }

    private ReplayReport report(
            MovieLens data, double seconds, FeedbackFates fates, long versions, String profile) {
        return new ReplayReport(
                ReplayReport.Arm.of(learned),
                ReplayReport.Arm.of(frozen),
                settings.limit(),
                settings.limit() / seconds,
                fates,
                data.badRows().count(),
                failed.sum(),
                versions,
                profile,
                acknowledged.sum());
    }

    /** Replays; returns the seconds it took. */
    double run(MovieLens data, Progress progress) throws InterruptedException {
        List<MovieLens.Rating> ratings =
                data.ratings().subList(0, Math.min(settings.limit(), data.ratings().size()));
        long start = nanos.getAsLong();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < ratings.size(); i++) {
                backlog.await();
                replay(i, ratings.get(i), data.items(), pool);
                progress.update(i + 1, note(), nanos.getAsLong());
            }
        }
        return (nanos.getAsLong() - start) / 1e9;
    }

    private void replay(
            int number, MovieLens.Rating rating, Map<Integer, MovieLens.Item> items,
            ExecutorService pool) {
        RatingHistory history =
                histories.computeIfAbsent(rating.user(),
                        user -> new RatingHistory(settings.history()));
        MovieLens.Item item = items.get(rating.item());
        if (item == null) {
            throw new IllegalStateException("ratings of unknown items are bad rows");
        }
        String prompt = history.prompt(item);
        CompletableFuture<Optional<ScoreReply>> control =
                CompletableFuture.supplyAsync(() -> score("", rating, prompt), pool);
        Optional<ScoreReply> reply = score(ADAPTER, rating, prompt);
        Optional<ScoreReply> controlReply = control.join();
        if (reply.isPresent() && controlReply.isPresent()) {
            learned.add(liking(reply.get()), rating.liked());
            frozen.add(liking(controlReply.get()), rating.liked());
        }
        reply.ifPresent(answer -> tell(number, rating, answer));
        history.add(item, rating.liked());
    }

    private static double liking(ScoreReply reply) {
        return reply.getScores(0).getProbability();
    }

    private Optional<ScoreReply> score(String adapter, MovieLens.Rating rating, String prompt) {
        ScoreRequest request =
                ScoreRequest.newBuilder()
                        .setScope(
                                RequestScope.newBuilder()
                                        .setAdapter(adapter)
                                        .setUser(user(rating))
                                        .setConsent(Consent.CONSENT_TRAIN))
                        .setPrompt(prompt)
                        .addAllContinuations(VERDICTS)
                        .build();
        try {
            return Optional.of(
                    inference.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).score(request));
        } catch (StatusRuntimeException e) {
            failed.increment();
            return Optional.empty();
        }
    }

    private void tell(int number, MovieLens.Rating rating, ScoreReply reply) {
        Signal signal =
                Signal.newBuilder()
                        .setReward(
                                Reward.newBuilder()
                                        .setCandidateId(rating.liked() ? "0" : "1")
                                        .setValue(1))
                        .build();
        SendFeedbackRequest request =
                SendFeedbackRequest.newBuilder()
                        .setFeedbackToken(reply.getFeedbackToken())
                        .setFeedbackId("rating-" + settings.run() + "-" + number)
                        .setUser(user(rating))
                        .setSignal(signal)
                        .setClientTimeMillis(TimeUnit.SECONDS.toMillis(rating.time()))
                        .build();
        try {
            var unused =
                    feedback.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).send(request);
            acknowledged.increment();
            backlog.sent();
        } catch (StatusRuntimeException e) {
            failed.increment();
        }
    }

    private static String runId(InstantSource clock) {
        return Long.toString(clock.millis(), Character.MAX_RADIX);
    }

    private static String user(MovieLens.Rating rating) {
        return "user-" + rating.user();
    }

    /** Sorting for the AUC takes a while, so it is shown every so many ratings. */
    private String note() {
        if (learned.count() >= notedAt + NOTE_EVERY) {
            notedAt = learned.count();
            note =
                    String.format(
                            Locale.ROOT, "AUC learned %.3f frozen %.3f", learned.auc(),
                            frozen.auc());
        }
        return note;
    }
}
