package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class NodeReplicaTest {
    private static final String ADAPTER = "news/ranker";

    @TempDir private Path folder;
    private Node node;

    private record Answer(VersionRef version, List<Integer> tokens) {}

    @BeforeEach
    void serveTwoVersions() throws Exception {
        start(true, true);
        node.publisher.create(ADAPTER, "default");
        publish(1);
        publish(2);
        node.ready();
        Node.untilServed("version 2 answers", () -> answer(ADAPTER, 0).version().getNumber() == 2);
    }

    @AfterEach
    void stop() throws Exception {
        node.close();
    }

    private void start(boolean withStore, boolean withReplica) throws Exception {
        node = new Node(folder, UnaryOperator.identity(), withStore, withReplica);
    }

    private void restart(boolean withStore, boolean withReplica) throws Exception {
        node.close();
        start(withStore, withReplica);
        node.ready();
    }

    private void publish(long seed) {
        var unused = node.publish(ADAPTER, node.publisher.weights(seed));
    }

    private Answer answer(String adapter, long version) {
        Iterator<GenerateReply> replies = node.inference()
                .generate(GenerateRequest.newBuilder()
                        .setScope(RequestScope.newBuilder()
                                .setAdapter(adapter)
                                .setUser("u")
                                .setVersionNumber(version))
                        .setPrompt("tell me")
                        .setMaxTokens(8)
                        .build());
        List<Integer> tokens = new ArrayList<>();
        VersionRef by = VersionRef.getDefaultInstance();
        while (replies.hasNext()) {
            GenerateReply reply = replies.next();
            by = reply.getVersion();
            tokens.addAll(reply.getTokenIdsList());
        }
        return new Answer(by, tokens);
    }

    private Status.Code refusal(String adapter, long version) {
        return Errors.of(() -> answer(adapter, version)).getStatus().getCode();
    }

    @Test
    void aNodeWithoutItsStoreAnswersAsBeforeAndFollowsTheStoreWhenItComes() throws Exception {
        Answer before = answer(ADAPTER, 0);
        restart(false, true);

        assertThat(node.serving.fromReplica()).isTrue();
        assertThat(answer(ADAPTER, 0)).isEqualTo(before);
        assertThat(refusal("news/other", 0)).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(refusal(ADAPTER, 77)).isEqualTo(Status.Code.UNAVAILABLE);

        node.startStore();
        Node.until("it goes by the store", () -> !node.serving.fromReplica());
        assertThat(refusal("news/other", 0)).isEqualTo(Status.Code.NOT_FOUND);
        publish(3);
        Node.until("version 3 answers", () -> answer(ADAPTER, 0).version().getNumber() == 3);
    }

    @Test
    void anAdapterThatWasDeletedMeanwhileVanishesWhenTheStoreComes() throws Exception {
        restart(true, false);
        var unused = node.store.deleteAdapter(DeleteAdapterRequest.newBuilder()
                .setName(ADAPTER)
                .setExpectedRevision(node.store.getAdapter(ADAPTER).getRevision())
                .setActor("test")
                .build());
        restart(false, true);
        assertThat(answer(ADAPTER, 0).version().getNumber()).isEqualTo(2);

        node.startStore();
        Node.until("it goes by the store", () -> !node.serving.fromReplica());
        assertThat(refusal(ADAPTER, 0)).isEqualTo(Status.Code.NOT_FOUND);
    }

    @Test
    void whatTheReplicaHasIsNotFetchedAgain() throws Exception {
        restart(true, true);
        assertThat(answer(ADAPTER, 0).version().getNumber()).isEqualTo(2);
        assertThat(node.serving.fromReplica()).isFalse();
        assertThat(node.count("flywheel.replica.reads", "from", "replica")).isPositive();
        assertThat(node.count("flywheel.replica.reads", "from", "store")).isZero();
    }
}
