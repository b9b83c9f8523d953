package dev.flywheel.app.load;

import dev.flywheel.api.v1.InferenceGrpc;
import io.grpc.Channel;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Clients that each ask again as soon as they are answered: so many requests are on their way at any time, as much is done as can be. */
public final class ClosedLoop {
    private final InferenceGrpc.InferenceStub inference;
    private final LongSupplier nanos;
    private final Duration deadline;

    /** @param deadline of each request */
    public ClosedLoop(Channel channel, LongSupplier nanos, Duration deadline) {
        this.inference = InferenceGrpc.newStub(channel);
        this.nanos = nanos;
        this.deadline = deadline;
    }

    /**
     * Returns when the last request has ended.
     *
     * @param questions what is asked next; thread-safe
     * @param more whether anything else is to be asked; thread-safe
     * @param listener told of each end; thread-safe
     */
    public void run(int clients, Supplier<Question> questions, BooleanSupplier more,
            Consumer<Answered> listener) throws InterruptedException {
        CountDownLatch running = new CountDownLatch(clients);
        for (int client = 0; client < clients; client++) {
            ask(questions, more, listener, running);
        }
        running.await();
    }

    private void ask(Supplier<Question> questions, BooleanSupplier more,
            Consumer<Answered> listener, CountDownLatch running) {
        if (!more.getAsBoolean()) {
            running.countDown();
            return;
        }
        Question question = questions.get();
        inference.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS)
                .generate(question.request(0),
                        new Exchange(question, nanos.getAsLong(), nanos, exchange -> {
                            listener.accept(exchange.answered());
                            ask(questions, more, listener, running);
                        }));
    }
}
