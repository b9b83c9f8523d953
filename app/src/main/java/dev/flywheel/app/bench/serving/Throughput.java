package dev.flywheel.app.bench.serving;

import dev.flywheel.adapters.random.SeededRandom;
import dev.flywheel.app.load.Answered;
import dev.flywheel.app.load.ClosedLoop;
import dev.flywheel.app.load.PowerLaw;
import dev.flywheel.app.load.Prompts;
import dev.flywheel.app.load.Question;
import io.grpc.Channel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How many tokens a second come out of a node whose clients always ask for more. No two prompts begin alike, so that each is read whole.
 */
final class Throughput {
    private static final int PROMPT_WORDS = 24;
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    /** Of the time, for the first answers to be on their way. */
    private static final int LEAD_SHARE = 8;

    private final ClosedLoop loop;
    private final int clients;
    private final int tokensMax;
    private final LongSupplier nanos;
    private final SeededRandom random;
    private final AtomicLong numbers = new AtomicLong();

    /** What was counted: tokens and whole answers a second, and calls that failed. */
    record Pace(double tokens, double answers, long failed) {}

    Throughput(Channel channel, int clients, int tokensMax, long seed, LongSupplier nanos) {
        this.loop = new ClosedLoop(channel, nanos, DEADLINE);
        this.clients = clients;
        this.tokensMax = tokensMax;
        this.nanos = nanos;
        this.random = new SeededRandom(seed);
    }

    /**
     * Asks for so long.
     *
     * @param adapters the most popular first; an empty name is the bare base model
     * @param alpha exponent of their popularity
     */
    Pace measure(List<String> adapters, double alpha, Duration time) throws InterruptedException {
        PowerLaw popularity = new PowerLaw(adapters.size(), alpha);
        long start = nanos.getAsLong();
        long from = start + time.toNanos() / LEAD_SHARE;
        long end = start + time.toNanos();
        Count count = new Count(from, end);
        loop.run(clients, () -> ask(adapters, popularity), () -> nanos.getAsLong() - end < 0,
                count::add);
        double seconds = (end - from) / 1e9;
        return new Pace(count.tokens / seconds, count.answers / seconds, count.failed);
    }

    /** Asks each once. */
    void touch(List<String> adapters, Runnable progress) throws InterruptedException {
        AtomicLong next = new AtomicLong();
        loop.run(clients, () -> {
            progress.run();
            int index = (int) Math.min(next.getAndIncrement(), adapters.size() - 1);
            return new Question(adapters.get(index), prompt(), 1);
        }, () -> next.get() < adapters.size(), answered -> {});
    }

    private synchronized Question ask(List<String> adapters, PowerLaw popularity) {
        return new Question(adapters.get(popularity.draw(random)), prompt(), tokensMax);
    }

    private synchronized String prompt() {
        return Prompts.numbered(numbers.incrementAndGet(), PROMPT_WORDS, random);
    }

    private static final class Count {
        private final long from;
        private final long end;
        private long tokens;
        private long answers;
        private long failed;

        Count(long from, long end) {
            this.from = from;
            this.end = end;
        }

        synchronized void add(Answered answered) {
            tokens += answered.arrivals().stream().filter(this::within).count();
            if (!answered.status().isOk()) {
                failed++;
            } else if (!answered.arrivals().isEmpty() && within(answered.arrivals().getLast())) {
                answers++;
            }
        }

        private boolean within(long at) {
            return at - from >= 0 && at - end < 0;
        }
    }
}
