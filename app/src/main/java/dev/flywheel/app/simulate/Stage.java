package dev.flywheel.app.simulate;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;

/**
 * Where a scenario plays: a running loop, its clock, and clients of it.
 *
 * <p>What is sent is lockstep: {@link #settle} waits until the loop has dealt with it and serves what it learned, so that a fast
 * machine and a slow one answer and learn alike. Only which round it is that silence comes into is left to the machine. For one thread; the caller closes it.
 */
final class Stage implements AutoCloseable {
    private static final String SOURCE = "client/default";
    private static final String ACTOR = "simulation";
    private static final String SERVING = "serving";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final LocalLoop node;
    private final Topics topics;
    private final TokenSigner signer;
    private final ImpressionTopic impressions;
    private final SimulatedClock clock;
    private final OutsideClient client;
    private final Outcomes outcomes;
    private final StoreClient registry;
    /** The adapters there are, and which version of each answered last. */
    private final Map<String, Long> servedNow = new LinkedHashMap<>();
    private final Set<String> servedAsLearned = new HashSet<>();
    private final Steps steps;

    /** Told as a scenario goes on. */
    interface Steps {
        void step(String note);
    }

    Stage(LocalLoop node, Topics topics, TokenSigner signer, SimulatedClock clock, Steps steps) {
        this.node = node;
        this.topics = topics;
        this.signer = signer;
        this.clock = clock;
        this.client = new OutsideClient(node.channel());
        this.registry = StoreClient.over(node.adminChannel());
        this.outcomes =
                new Outcomes(registry, node.endpoints().kafka(), topics.deadFeedback());
        this.impressions = new ImpressionTopic(node.endpoints().kafka(), topics.impression());
        this.steps = steps;
    }

    /** A signal that is due: whose, on which answer, under which id. */
    record Sending(String token, String id, String user, Signal signal) {}

    void createAdapter(String name, AdapterSettings settings) {
        createAdapter(name, settings, LearningSettings.getDefaultInstance());
    }

    /** Makes an adapter that learns as the settings say, and waits until the node serves it. */
    void createAdapter(String name, AdapterSettings settings, LearningSettings learning) {
        var unused = registry.createAdapter(CreateAdapterRequest.newBuilder()
                .setName(name)
                .setTenant(settings.tenant())
                .setLora(settings.lora().toBuilder().clearTargetModules())
                .setRound(settings.round())
                .setRelease(settings.release())
                .setLearning(learning)
                .setActor(ACTOR)
                .build());
        outcomes.follow(name);
        servedNow.put(name, -1L);
        awaitServed(name, 0);
        if (settings.release() == ReleasePolicy.RELEASE_POLICY_IMMEDIATE) {
            servedAsLearned.add(name);
        }
    }

    /** Has the node serve the newest version that a round has made, and returns when it does. */
    void publish(String adapter) {
        AliasRecord serving = registry.listAliases(adapter)
                .stream()
                .filter(alias -> alias.getAlias().equals(SERVING))
                .findFirst()
                .orElseThrow();
        long newest = outcomes.newestVersion(adapter);
        if (newest > serving.getVersion()) {
            var unused = registry.setAlias(SetAliasRequest.newBuilder()
                    .setAdapter(adapter)
                    .setAlias(SERVING)
                    .setVersion(newest)
                    .setExpectedRevision(serving.getRevision())
                    .setActor(ACTOR)
                    .setReason("published at its interval")
                    .build());
            awaitServed(adapter, newest);
        }
    }

    /** The node hears of adapters and versions some milliseconds later. */
    private void awaitServed(String adapter, long version) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (servedNow.getOrDefault(adapter, -1L) < version) {
            client.version(adapter).ifPresent(number -> servedNow.put(adapter, number));
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "the node does not serve version %d of %s %d s after it was made"
                                .formatted(version, adapter, PATIENCE.toSeconds()));
            }
        }
    }

    /** Ends the adapters of a seed that is over. */
    void clear() {
        for (String name : servedNow.keySet()) {
            var unused = registry.deleteAdapter(DeleteAdapterRequest.newBuilder()
                    .setName(name)
                    .setExpectedRevision(registry.getAdapter(name).getRevision())
                    .setActor(ACTOR)
                    .build());
            outcomes.forget(name);
        }
        servedNow.clear();
        servedAsLearned.clear();
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

    /** Waits until all that was sent has been trained on or refused, and what was learned of it answers. */
    void settle() throws InterruptedException {
        int left = outcomes.settle(PATIENCE);
        if (left > 0) {
            throw new IllegalStateException(
                    "%d feedback events have no end %d s after the last one had one"
                            .formatted(left, PATIENCE.toSeconds()));
        }
        servedAsLearned.forEach(name -> awaitServed(name, outcomes.newestVersion(name)));
    }

    /** Returns how many of the events that were sent under these ids have been trained on. */
    long trained(List<String> ids) {
        return ids.stream().filter(id -> outcomes.end(key(id)).equals(Outcomes.TRAINED)).count();
    }

    void step(String note) {
        steps.step(note);
    }

    SimulatedClock clock() {
        return clock;
    }

    /** Returns one that writes into this loop's topics; the caller closes it. */
    DirectProducer producer() {
        return new DirectProducer(node.endpoints().kafka(), topics);
    }

    ImpressionTopic impressions() {
        return impressions;
    }

    /** Returns what signs as the node does, for a node of another's that shares its key. */
    TokenSigner signer() {
        return signer;
    }

    /** Waits until all feedback has an end, and returns where it ended, as the loop's own audit says. */
    FeedbackFates drain(Duration timeout) {
        return node.drain(timeout);
    }

    OutsideClient client() {
        return client;
    }

    Outcomes outcomes() {
        return outcomes;
    }

    @Override
    public void close() {
        impressions.close();
        outcomes.close();
        client.close();
    }
}
