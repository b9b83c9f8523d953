package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.rpc.ErrorInfo;
import dev.flywheel.api.openinference.GRPCInferenceServiceGrpc;
import dev.flywheel.api.openinference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.flywheel.api.openinference.ModelInferRequest;
import dev.flywheel.api.openinference.ModelMetadataRequest;
import dev.flywheel.api.openinference.ModelMetadataResponse;
import dev.flywheel.api.openinference.ModelReadyRequest;
import dev.flywheel.api.openinference.ServerLiveRequest;
import dev.flywheel.api.openinference.ServerMetadataRequest;
import dev.flywheel.api.openinference.ServerMetadataResponse;
import dev.flywheel.api.openinference.ServerReadyRequest;
import dev.flywheel.serving.harness.Node;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class OpenInferenceTest {
    private static final String ADAPTER = "news/ranker";

    @TempDir private Path folder;

    private static GRPCInferenceServiceBlockingStub stub(Node node) {
        return GRPCInferenceServiceGrpc.newBlockingStub(node.channel)
                .withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    private static boolean ready(Node node) {
        return stub(node).serverReady(ServerReadyRequest.getDefaultInstance()).getReady();
    }

    private static boolean ready(Node node, String name, String version) {
        return stub(node).modelReady(ModelReadyRequest.newBuilder()
                .setName(name)
                .setVersion(version)
                .build()).getReady();
    }

    private static ModelMetadataResponse metadata(Node node, String name, String version) {
        return stub(node).modelMetadata(ModelMetadataRequest.newBuilder()
                .setName(name)
                .setVersion(version)
                .build());
    }

    private static Status.Code refused(ThrowingCallable call) {
        return Objects.requireNonNull(catchThrowableOfType(StatusRuntimeException.class, call))
                .getStatus()
                .getCode();
    }

    private Node serving() throws Exception {
        Node node = new Node(folder);
        node.publisher.create(ADAPTER, "default");
        node.publisher.create("theirs/own", "them");
        node.publish(ADAPTER, node.publisher.weights(3));
        node.ready();
        Node.untilServed("version 1 is in memory", () -> ready(node, ADAPTER, "1"));
        return node;
    }

    @Test
    void aNodeIsLiveBeforeItIsReady() throws Exception {
        try (Node node = new Node(folder, UnaryOperator.identity(), false)) {
            assertThat(stub(node).serverLive(ServerLiveRequest.getDefaultInstance()).getLive())
                    .isTrue();
            assertThat(ready(node)).isFalse();
            assertThat(ready(node, "", "")).as("the bare base model").isFalse();
            node.startStore();
            node.ready();
            Node.until("it is ready once the store has said what it holds", () -> ready(node));
            assertThat(ready(node, "", "")).isTrue();
        }
    }

    @Test
    void aModelIsReadyWhereItsVersionIsInMemory() throws Exception {
        try (Node node = serving()) {
            assertThat(ready(node, ADAPTER, "")).isTrue();
            assertThat(ready(node, ADAPTER, "2")).isFalse();
            assertThat(metadata(node, ADAPTER, "").getVersionsList()).contains("1")
                    .doesNotContain("2");
            assertThat(metadata(node, ADAPTER, "1").getVersionsList()).containsExactly("1");
            assertThat(metadata(node, "", "").getVersionsList()).isEmpty();
        }
    }

    @Test
    void theServerNamesTheServiceThatAnswersInference() throws Exception {
        try (Node node = serving()) {
            ServerMetadataResponse said =
                    stub(node).serverMetadata(ServerMetadataRequest.getDefaultInstance());
            assertThat(said.getName()).isEqualTo("flywheel");
            assertThat(said.getVersion()).isNotEmpty();
            assertThat(said.getExtensionsList()).containsExactly("flywheel.v1.Inference");
        }
    }

    @Test
    void whatIsNotThereOrNotOfferedIsRefusedByItsCode() throws Exception {
        try (Node node = serving()) {
            assertThat(refused(() -> ready(node, "no/such", ""))).isEqualTo(Status.Code.NOT_FOUND);
            assertThat(refused(() -> metadata(node, "theirs/own", ""))).as("another tenant's")
                    .isEqualTo(Status.Code.NOT_FOUND);
            assertThat(refused(() -> metadata(node, ADAPTER, "2")))
                    .isEqualTo(Status.Code.NOT_FOUND);
            assertThat(refused(() -> ready(node, ADAPTER, "newest")))
                    .isEqualTo(Status.Code.INVALID_ARGUMENT);
            StatusRuntimeException infer =
                    Objects.requireNonNull(catchThrowableOfType(StatusRuntimeException.class,
                            () -> stub(node).modelInfer(ModelInferRequest.getDefaultInstance())));
            assertThat(infer.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
            assertThat(Objects.requireNonNull(StatusProto.fromThrowable(infer))
                    .getDetails(0)
                    .unpack(ErrorInfo.class)
                    .getReason()).isEqualTo("NOT_OFFERED");
        }
    }
}
