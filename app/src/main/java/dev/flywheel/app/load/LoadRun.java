package dev.flywheel.app.load;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.InferenceGrpc;
import io.grpc.Channel;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Sends requests when they are due, whether those before them are answered or not (an open loop), and checks the answers. */
public final class LoadRun {
    private static final double NANOS = 1e9;
    private static final long LOOK_MILLIS = 20;

    private final LoadSettings settings;
    private final Channel channel;
    private final StoreClient registry;
    private final LongSupplier nanos;
    private final Listener listener;
    private final Consumer<Answered> each;
    private final LoadStats stats;
    private final AnswerBook book = new AnswerBook();

    /** Is told how it goes, often. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Called by the thread that runs the load.
         *
         * @param seconds since the first request was due
         * @param note how it goes, for a person
         */
        void at(double seconds, String note);
    }

    /**
     * Makes a run.
     *
     * @param channel to the node that answers
     * @param registry what it serves
     * @param nanos a monotonic clock
     */
    public LoadRun(LoadSettings settings, Channel channel, StoreClient registry,
            LongSupplier nanos, Listener listener) {
        this(settings, channel, registry, nanos, listener, answered -> {});
    }

    /**
     * The same, with a look at every answer.
     *
     * @param each told of each end; thread-safe
     */
    public LoadRun(LoadSettings settings, Channel channel, StoreClient registry,
            LongSupplier nanos, Listener listener, Consumer<Answered> each) {
        this.settings = settings;
        this.channel = channel;
        this.registry = registry;
        this.nanos = nanos;
        this.listener = listener;
        this.each = each;
        this.stats = new LoadStats(settings);
    }

    /** Runs it to its end. */
    public LoadReport run() throws InterruptedException {
        long start = nanos.getAsLong();
        send(start);
        double seconds = settings.duration().toNanos() / NANOS;
        awaitAnswers(start);
        AnswerCheck check = new AnswerCheck(channel, registry, book, settings);
        check.run();
        return new LoadReport(settings.seed(), settings.pattern().name().toLowerCase(Locale.ROOT),
                settings.perSecond(), seconds, settings.adapters().size(), stats.figures(seconds),
                book.digests().values().stream().mapToLong(Map::size).sum(), check.confirmed(),
                check.unchecked(), book.wrongs(), book.shown());
    }

    private void send(long start) throws InterruptedException {
        SeededRandom random = new SeededRandom(settings.seed());
        List<String> prompts = Prompts.of(settings.prompts(), settings.promptWords(),
                random.split("prompts"));
        Arrivals arrivals = new Arrivals(settings.pattern(), settings.perSecond(),
                random.split("arrivals"));
        PowerLaw popularity = new PowerLaw(settings.adapters().size(), settings.alpha());
        SeededRandom choices = random.split("choices");
        InferenceGrpc.InferenceStub inference = InferenceGrpc.newStub(channel);
        long end = start + settings.duration().toNanos();
        for (long due = start + arrivals.nextGap(); due - end < 0; due += arrivals.nextGap()) {
            Question question = new Question(settings.adapters().get(popularity.draw(choices)),
                    choices.pick(prompts), settings.tokensMax());
            awaitTime(start, due);
            stats.sent();
            inference.withDeadlineAfter(settings.deadline().toNanos(), TimeUnit.NANOSECONDS)
                    .generate(question.request(0),
                            new Exchange(question, due, nanos, this::ended));
        }
        awaitTime(start, end);
    }

    private void ended(Exchange exchange) {
        if (exchange.status().isOk()) {
            book.note(exchange);
        }
        each.accept(exchange.answered());
        stats.ended(exchange);
    }

    private void awaitTime(long start, long due) throws InterruptedException {
        for (long left = due - nanos.getAsLong(); left > 0; left = due - nanos.getAsLong()) {
            TimeUnit.NANOSECONDS.sleep(
                    Math.min(left, TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS)));
            tell(start);
        }
    }

    private void tell(long start) {
        listener.at((nanos.getAsLong() - start) / NANOS, "%,d sent, %,d on their way, %,d failed"
                .formatted(stats.sentSoFar(), stats.inFlight(), stats.errorsSoFar()));
    }

    /** Each ends by its deadline; a call that gRPC never ends would be a fault of its own. */
    private void awaitAnswers(long start) throws InterruptedException {
        long until = nanos.getAsLong() + 2 * settings.deadline().toNanos();
        while (stats.inFlight() > 0 && nanos.getAsLong() - until < 0) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            tell(start);
        }
        if (stats.inFlight() > 0) {
            book.wrong("%d calls never ended".formatted(stats.inFlight()));
        }
    }
}
