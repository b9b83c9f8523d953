package dev.flywheel.itest.loop;

import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.local.LocalLoop;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** A whole loop that has been used: it answered each kind of request, refused some, took feedback, learned and swapped. */
final class LiveMetrics implements AutoCloseable {
    static final String ADAPTER = "default/main";
    static final String USER = "reader-who-is-nobodys-business";
    static final int ROUNDS = 2;

    private final LocalLoop node;
    private final LoopClient client;
    private final List<String> taught = new ArrayList<>();

    LiveMetrics(Path folder) throws Exception {
        node = LocalLoop.start(new ConfigLoader().load(null, Map.of(
                "console.interval", "200ms",
                "loop.broker_port", 0,
                "loop.evaluation_window", "1s",
                "metrics.port", 0,
                "metrics.refresh_interval", "50ms",
                "server.port", 0,
                "server.admin_port", 0,
                "audit.interval", "500ms",
                "data.free_mib_min", 16)), folder, BuiltInBase.folder());
        client = new LoopClient(node.channel(), ADAPTER);
        node.createAdapterOfSettings();
        ask();
        for (int round = 1; round <= ROUNDS; round++) {
            learn(round);
        }
    }

    private void ask() {
        InferenceGrpc.InferenceBlockingStub stub = InferenceGrpc.newBlockingStub(node.channel())
                .withDeadlineAfter(60, TimeUnit.SECONDS);
        RequestScope scope = RequestScope.newBuilder().setAdapter(ADAPTER).setUser(USER).build();
        List<GenerateReply> answer = new ArrayList<>();
        stub.generate(GenerateRequest.newBuilder()
                .setScope(scope)
                .setPrompt("Once")
                .setMaxTokens(4)
                .build()).forEachRemaining(answer::add);
        send(answer.getLast().getFeedbackToken(), "not-a-click-on-a-list");
        var unused = stub.score(ScoreRequest.newBuilder()
                .setScope(scope)
                .setPrompt("Once")
                .addContinuations(" upon")
                .build());
        refused(() -> new LoopClient(node.channel(), "default/nobody-made-this").rank(USER));
        refused(() -> send("made up", "forged"));
    }

    /** Tells of a click; where there was nothing to be clicked the job refuses it. */
    private void send(String token, String id) {
        var unused = FeedbackGrpc.newBlockingStub(node.channel())
                .send(SendFeedbackRequest.newBuilder()
                        .setFeedbackToken(token)
                        .setFeedbackId(id)
                        .setUser(USER)
                        .setSignal(Signal.newBuilder()
                                .setClick(Click.newBuilder().setCandidateId("sea")))
                        .build());
    }

    private static void refused(Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException expected) {
            return;
        }
        throw new AssertionError("a call that has to be refused was not");
    }

    /** A click is learned, and what learned it answers. */
    private void learn(int round) {
        RankReply reply = client.rank(USER);
        String id = "click-" + round;
        client.click(reply, USER, id);
        taught.add(id);
        client.awaitTrained(Set.copyOf(taught));
        // Each click is a round of its own, since the one before was trained: round n makes version n.
        LoopClient.await("version " + round + " answers",
                () -> client.rank(USER).getVersion().getNumber() >= round);
    }

    List<String> taught() {
        return taught;
    }

    /** Address of the page for people. */
    String console() {
        return node.endpoints().console();
    }

    Scrape scrape() {
        return Scrape.of(node.endpoints().metrics());
    }

    @Override
    public void close() {
        node.close();
    }
}
