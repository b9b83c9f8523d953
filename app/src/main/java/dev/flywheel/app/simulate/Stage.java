package dev.flywheel.app.simulate;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Where a scenario plays: a running loop, its clock, and clients of it.
 *
 * <p>What is sent is lockstep: {@link #settle} waits until the loop has dealt with it, so that a fast machine and a slow one
 * learn from the same stream. For one thread; the caller closes it.
 */
final class Stage implements AutoCloseable {
    private static final String SOURCE = "client/default";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final LocalLoop node;
    private final SimulatedClock clock;
    private final OutsideClient client;
    private final Outcomes outcomes;
    private final Steps steps;

    /** Told as a scenario goes on. */
    interface Steps {
        void step(String note);
    }

    Stage(LocalLoop node, SimulatedClock clock, Steps steps) {
        this.node = node;
        this.clock = clock;
        this.client = new OutsideClient(node.channel());
        this.outcomes = new Outcomes(StoreClient.over(node.channel()), node.endpoints().kafka(),
                "dlq." + node.endpoints().feedbackTopic());
        this.steps = steps;
    }

    /** A signal that is due: whose, on which answer, under which id. */
    record Sending(String token, String id, String user, Signal signal) {}

    void createAdapter(String name, AdapterSettings settings) {
        node.createAdapter(name, settings);
        outcomes.follow(name);
    }

    /** Sends them all and returns when Kafka has them. */
    void send(List<Sending> due) throws InterruptedException {
        List<Callable<Boolean>> calls = new ArrayList<>();
        for (Sending each : due) {
            outcomes.expect(key(each.id()));
            calls.add(() -> {
                client.send(each.token(), each.id(), each.user(), each.signal());
                return true;
            });
        }
        client.all(calls);
    }

    private static FeedbackKey key(String id) {
        return FeedbackKey.newBuilder().setSource(SOURCE).setFeedbackId(id).build();
    }

    /** Waits until all that was sent has been trained on or refused. */
    void settle() throws InterruptedException {
        int left = outcomes.settle(PATIENCE);
        if (left > 0) {
            throw new IllegalStateException(
                    "%d feedback events have no end %d s after the last one had one"
                            .formatted(left, PATIENCE.toSeconds()));
        }
    }

    void step(String note) {
        steps.step(note);
    }

    SimulatedClock clock() {
        return clock;
    }

    OutsideClient client() {
        return client;
    }

    Outcomes outcomes() {
        return outcomes;
    }

    @Override
    public void close() {
        outcomes.close();
        client.close();
    }
}
