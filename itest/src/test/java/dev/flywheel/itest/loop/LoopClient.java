package dev.flywheel.itest.loop;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.Retract;
import dev.flywheel.api.v1.SendFeedbackReply;
import dev.flywheel.api.v1.SendFeedbackRequest;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** An outside client: asks, clicks, and looks at what became of it. */
final class LoopClient {
    private static final Duration CALL = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final long PAUSE_NANOS = 20_000_000;

    private final Channel channel;
    private final String adapter;

    LoopClient(Channel channel, String adapter) {
        this.channel = channel;
        this.adapter = adapter;
    }

    static ManagedChannel connect(int port) {
        return Grpc.newChannelBuilder("127.0.0.1:" + port, InsecureChannelCredentials.create())
                .build();
    }

    RankReply rank(String user) {
        return rank(user, "lives in the harbour");
    }

    RankReply rank(String user, String context) {
        RankRequest request =
                RankRequest.newBuilder()
                        .setScope(RequestScope.newBuilder().setAdapter(adapter).setUser(user))
                        .setContext(context)
                        .addCandidates(
                                Candidate.newBuilder().setId("sea").setText("The boat at the pier"))
                        .addCandidates(Candidate.newBuilder()
                                .setId("stars")
                                .setText("A planet seen at night"))
                        .build();
        return InferenceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL.toSeconds(), TimeUnit.SECONDS)
                .rank(request);
    }

    /** Clicks the first item; returns when Kafka has it. */
    SendFeedbackReply click(RankReply reply, String user, String feedbackId) {
        return send(reply, user, feedbackId, Signal.newBuilder()
                .setClick(Click.newBuilder().setCandidateId(reply.getItems(0).getCandidateId()))
                .build());
    }

    /** Takes an earlier event of the same answer back; returns when Kafka has that. */
    SendFeedbackReply retract(RankReply reply, String user, String feedbackId) {
        return send(reply, user, "not " + feedbackId, Signal.newBuilder()
                .setRetract(Retract.newBuilder().setFeedbackId(feedbackId))
                .build());
    }

    private SendFeedbackReply send(RankReply reply, String user, String feedbackId,
            Signal signal) {
        return FeedbackGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL.toSeconds(), TimeUnit.SECONDS)
                .send(
                        SendFeedbackRequest.newBuilder()
                                .setFeedbackToken(reply.getFeedbackToken())
                                .setFeedbackId(feedbackId)
                                .setUser(user)
                                .setSignal(signal)
                                .build());
    }

    /** Returns the ids of feedback that committed manifests hold and trained, as often as each stands there. */
    List<String> trained() {
        List<String> ids = new ArrayList<>();
        StoreClient.over(channel).listManifests(adapter, 0, manifest -> {
            if (manifest.getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
                List<FeedbackKey> taught = new ArrayList<>(manifest.getFeedbackList());
                taught.removeAll(manifest.getQuarantinedList());
                taught.forEach(key -> ids.add(key.getFeedbackId()));
            }
        });
        return ids;
    }

    /** Returns a version as the store has it. */
    VersionRef record(long number) {
        return StoreClient.over(channel).getVersion(adapter, number).getRef();
    }

    void awaitTrained(Set<String> ids) {
        await("feedback " + ids + " is trained", () -> new HashSet<>(trained()).containsAll(ids));
    }

    /** Waits until the node answers; it may still be starting. */
    void awaitAnswers() {
        await("the node answers", this::answers);
    }

    private boolean answers() {
        try {
            var unused = rank("prober");
            return true;
        } catch (StatusRuntimeException e) {
            Status.Code code = e.getStatus().getCode();
            if (code == Status.Code.UNAVAILABLE || code == Status.Code.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        "waited %d s in vain until %s".formatted(PATIENCE.toSeconds(), what));
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
