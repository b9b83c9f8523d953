package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.rpc.ErrorInfo;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import dev.flywheel.api.v1.FeedbackGrpc;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.harness.Reader;
import dev.flywheel.serving.settings.RankSettings;
import dev.flywheel.serving.settings.RequestSettings;
import dev.flywheel.serving.settings.ServingSettings;
import dev.flywheel.serving.settings.TransportSettings;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.StreamObserver;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LifecycleTest {
    private static final int LONG = 400;

    /** Long enough to begin, and for no machine long enough to finish {@value #LONG} tokens. */
    private static final Duration TOO_SHORT = Duration.ofMillis(5);

    @TempDir private Path folder;
    private Node node;

    @AfterEach
    void stop() throws Exception {
        if (node != null) {
            untilIdle();
            node.close();
        }
    }

    @Test
    void aCancelledAnswerGivesBackBlocksAndLease() throws Exception {
        start(UnaryOperator.identity());
        List<Reader> readers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            readers.add(Reader.all(node.channel, endless()));
        }
        Node.until("answers are on their way",
                () -> readers.stream().allMatch(reader -> reader.replies() > 0));
        assertThat(node.serving.freeBlocks()).isLessThan(Node.DEVICE.kvBlocks());
        readers.forEach(Reader::cancel);
        untilIdle();
    }

    @Test
    void aDeadlineEndsAnAnswerAndGivesBackItsBlocks() throws Exception {
        start(UnaryOperator.identity());
        StatusRuntimeException late = Errors.of(() -> InferenceGrpc.newBlockingStub(node.channel)
                .withDeadlineAfter(TOO_SHORT.toMillis(), TimeUnit.MILLISECONDS)
                .generate(endless())
                .forEachRemaining(reply -> {}));
        assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        untilIdle();
    }

    @Test
    void aFaultWhileAnAnswerIsRecordedIsTheCallsStatusAndSaysNothingOfTheFault() throws Exception {
        start(UnaryOperator.identity());
        node.recordingBroken.set(true);
        StatusRuntimeException fault = Errors.of(() -> node.inference()
                .generate(GenerateRequest.newBuilder().setPrompt("a").setMaxTokens(4).build())
                .forEachRemaining(reply -> {}));
        assertThat(fault.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
        assertThat(fault.getStatus().getDescription()).doesNotContain("what the user wrote");
        untilIdle();
    }

    @Test
    void aRequestWithoutADeadlineGetsTheNodesOwn() throws Exception {
        start(settings -> withRequests(settings, 256, 128, TOO_SHORT,
                Duration.ofSeconds(20)));
        StatusRuntimeException late = Errors.of(() -> {
            while (true) {
                InferenceGrpc.newBlockingStub(node.channel)
                        .generate(endless())
                        .forEachRemaining(reply -> {});
            }
        });
        assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(late.getStatus().getDescription()).contains("before the answer was complete");
    }

    /** P8: what readers do not read costs neither a block nor a lease, and nobody is told that they got it. */
    @Test
    void stalledReadersHoldNothingOfTheEngineAndGetAllOnceTheyRead() throws Exception {
        start(UnaryOperator.identity());
        ManagedChannel narrow = narrowChannel();
        try {
            List<Reader> stalled = stalled(narrow);
            Node.until("the answers are complete although nobody reads them",
                    () -> node.count("flywheel.serving.tokens", "kind", "answer") >= 8 * (LONG - 1)
                            && node.serving.freeBlocks() == Node.DEVICE.kvBlocks());
            assertThat(gauge("flywheel.serving.streams")).isEqualTo(8);
            Node.until("no lease is held", () -> node.serving.leases() == 0);
            assertThat(node.impressions).isEmpty();
            stalled.forEach(Reader::readOn);
            for (Reader reader : stalled) {
                assertThat(reader.status().getCode()).isEqualTo(Status.Code.OK);
                assertThat(reader.ids()).hasSize(LONG);
            }
            assertThat(node.impressions).hasSize(8);
            Node.until("no stream is left", () -> gauge("flywheel.serving.streams") == 0);
        } finally {
            narrow.shutdownNow();
        }
    }

    /** P8: a stream that nobody reads is ended, whether or not its answer is complete. */
    @Test
    void aReaderWhoStallsForTooLongIsEnded() throws Exception {
        start(settings -> withRequests(settings, 256, 128, Duration.ofSeconds(60),
                Duration.ofMillis(500)));
        ManagedChannel narrow = narrowChannel();
        try {
            List<Reader> stalled = stalled(narrow);
            Node.until("the streams began and are ended",
                    () -> stalled.stream().allMatch(reader -> reader.replies() > 0)
                            && gauge("flywheel.serving.streams") == 0);
            stalled.forEach(Reader::readOn);
            for (Reader reader : stalled) {
                assertThat(reader.status().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
                assertThat(reader.status().getDescription()).contains("not read for too long");
            }
            assertThat(node.impressions).isEmpty();
        } finally {
            narrow.shutdownNow();
        }
    }

    @Test
    void aReaderWhoReadsLateGetsTheSameAnswerInFewReplies() throws Exception {
        start(UnaryOperator.identity());
        ManagedChannel narrow = narrowChannel();
        try {
            Reader prompt = Reader.all(node.channel, endless());
            Reader late = Reader.one(narrow, endless());
            Node.until("the engine is done", () -> node.serving.freeBlocks()
                    == Node.DEVICE.kvBlocks() && prompt.done());
            late.readOn();
            assertThat(late.status().getCode()).isEqualTo(Status.Code.OK);
            assertThat(late.ids()).hasSize(LONG).isEqualTo(prompt.ids());
            assertThat(late.replies()).isBetween(LONG / Backlog.PIECE_TOKENS_MAX, LONG / 8);
        } finally {
            narrow.shutdownNow();
        }
    }

    @Test
    void moreThanTheQueueHoldsIsRefusedWithARetryHint() throws Exception {
        start(settings -> withRequests(settings, 2, 128, Duration.ofSeconds(60),
                Duration.ofSeconds(20)));
        List<Reader> readers = flood(60, "default");
        long refused = count(readers, Status.Code.RESOURCE_EXHAUSTED);
        assertThat(refused).isPositive();
        assertThat(count(readers, Status.Code.OK)).isEqualTo(60 - refused);
        StatusRuntimeException why = refusal(readers);
        assertThat(Errors.detail(why, ErrorInfo.class).getReason()).isEqualTo("QUEUE_FULL");
        assertThat(Errors.detail(why, RetryInfo.class).getRetryDelay())
                .isNotEqualTo(com.google.protobuf.Duration.getDefaultInstance());
    }

    /** Who would have to wait for too long is told so at once. */
    @Test
    void whatWouldWaitForTooLongIsRefusedBeforeTheQueueIsFull() throws Exception {
        start(settings -> withQueueTime(withRequests(settings, 256, 128, Duration.ofSeconds(60),
                Duration.ofSeconds(20)), Duration.ofMillis(1)));
        var unused = Reader.all(node.channel, endless()).status(); // how long steps take is known now
        List<Reader> readers = flood(40, "default");
        long refused = count(readers, Status.Code.RESOURCE_EXHAUSTED);
        assertThat(refused).isPositive();
        assertThat(count(readers, Status.Code.OK)).isEqualTo(40 - refused).isPositive();
        StatusRuntimeException why = refusal(readers);
        assertThat(Errors.detail(why, ErrorInfo.class).getReason()).isEqualTo("QUEUE_FULL");
        assertThat(Errors.detail(why, RetryInfo.class).getRetryDelay())
                .isNotEqualTo(com.google.protobuf.Duration.getDefaultInstance());
    }

    @Test
    void oneTenantsFloodIsItsOwn() throws Exception {
        start(settings -> withRequests(settings, 256, 4, Duration.ofSeconds(60),
                Duration.ofSeconds(20)));
        List<Reader> flood = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            flood.add(Reader.all(node.channel, endless("noisy")));
        }
        Reader quiet = Reader.all(node.channel, endless("quiet"));
        assertThat(quiet.status().getCode()).isEqualTo(Status.Code.OK);
        assertThat(count(flood, Status.Code.RESOURCE_EXHAUSTED)).isPositive();
        StatusRuntimeException why = refusal(flood);
        assertThat(Errors.detail(why, ErrorInfo.class).getReason()).isEqualTo("TENANT_QUOTA");
        assertThat(Errors.detail(why, QuotaFailure.class).getViolationsCount()).isEqualTo(1);
    }

    @Test
    void aNodeThatStopsFinishesWhatItBegan() throws Exception {
        start(UnaryOperator.identity());
        Reader begun = Reader.all(node.channel, endless());
        Node.until("the answer is on its way", () -> begun.replies() > 0);
        node.serving.close();
        assertThat(begun.status().getCode()).isEqualTo(Status.Code.OK);
        assertThat(begun.ids()).hasSize(LONG);
        StatusRuntimeException gone = Errors.of(() -> node.inference()
                .generate(endless())
                .forEachRemaining(reply -> {}));
        assertThat(gone.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        node.channel.shutdownNow();
        node.closeAllButServing();
        node = null;
    }

    @Test
    void healthSaysServingOnlyOnceTheStoresVersionsAreLoaded() throws Exception {
        node = new Node(folder, UnaryOperator.identity(), false);
        for (String service : List.of("", InferenceGrpc.SERVICE_NAME, FeedbackGrpc.SERVICE_NAME)) {
            assertThat(health(service)).isEqualTo(ServingStatus.NOT_SERVING);
        }
        node.startStore();
        node.ready();
        for (String service : List.of("", InferenceGrpc.SERVICE_NAME, FeedbackGrpc.SERVICE_NAME)) {
            assertThat(health(service)).isEqualTo(ServingStatus.SERVING);
        }
    }

    @Test
    void reflectionNamesEveryService() throws Exception {
        start(UnaryOperator.identity());
        CompletableFuture<ServerReflectionResponse> listed = new CompletableFuture<>();
        StreamObserver<ServerReflectionRequest> question =
                ServerReflectionGrpc.newStub(node.channel)
                        .serverReflectionInfo(new StreamObserver<>() {
                            @Override
                            public void onNext(ServerReflectionResponse reply) {
                                listed.complete(reply);
                            }

                            @Override
                            public void onError(Throwable failure) {
                                listed.completeExceptionally(failure);
                            }

                            @Override
                            public void onCompleted() {}
                        });
        question.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
        assertThat(listed.get(30, TimeUnit.SECONDS).getListServicesResponse().getServiceList())
                .extracting(ServiceResponse::getName)
                .contains("flywheel.v1.Inference", "flywheel.v1.Feedback",
                        "grpc.health.v1.Health");
        question.onCompleted();
    }

    @Test
    void oversizedMessagesAreRefusedBeforeTheyAreRead() throws Exception {
        start(UnaryOperator.identity());
        StatusRuntimeException refused = Errors.of(() -> node.inference()
                .generate(GenerateRequest.newBuilder().setPrompt("x".repeat(5 << 20)).build())
                .forEachRemaining(reply -> {}));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void aTakenPortIsNamed() throws Exception {
        start(UnaryOperator.identity());
        int taken = node.serving.port();
        assertThatThrownBy(() -> new Node(folder.resolve("second"), settings -> withTransport(
                settings, settings.transport().withPort(taken))))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("cannot listen on 127.0.0.1:" + taken);
    }

    @Test
    void aVerdictThatIsNotOneTokenStopsTheStart() {
        RankSettings rank = Node.RANK;
        assertThatThrownBy(() -> new Node(folder, settings -> new ServingSettings("node",
                settings.device(), settings.swaps(), settings.requests(),
                new RankSettings(rank.contextTemplate(), rank.candidateTemplate(), "yes", "n",
                        0, 0, 0),
                settings.transport(), settings.access(), settings.tokenLifetime(),
                settings.feedbackBytesMax())))
                .hasMessageContaining("serving.rank.accept is \"yes\", which is 3 tokens");
    }

    private void start(UnaryOperator<ServingSettings> change) throws Exception {
        node = new Node(folder, change).ready();
    }

    private void untilIdle() throws InterruptedException {
        Node.until("all blocks are free",
                () -> node.serving.freeBlocks() == Node.DEVICE.kvBlocks());
        Node.until("no lease is held", () -> node.serving.leases() == 0);
        Node.until("nothing is queued", () -> gauge("flywheel.requests.running") == 0
                && gauge("flywheel.requests.waiting") == 0);
    }

    /** Readers on such a connection leave nearly all of an answer with the node. */
    private ManagedChannel narrowChannel() {
        return NettyChannelBuilder.forAddress("localhost", node.serving.port())
                .usePlaintext()
                .flowControlWindow(64)
                .build();
    }

    private static List<Reader> stalled(ManagedChannel channel) {
        return Stream.generate(() -> Reader.one(channel, endless())).limit(8).toList();
    }

    private double gauge(String name) {
        return node.meters.get(name).gauge().value();
    }

    private ServingStatus health(String service) {
        return HealthGrpc.newBlockingStub(node.channel)
                .check(HealthCheckRequest.newBuilder().setService(service).build())
                .getStatus();
    }

    private List<Reader> flood(int count, String tenant) {
        List<Reader> readers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            readers.add(Reader.all(node.channel, endless(tenant)));
        }
        return readers;
    }

    private static long count(List<Reader> readers, Status.Code code) {
        return readers.stream().filter(reader -> reader.status().getCode() == code).count();
    }

    private static StatusRuntimeException refusal(List<Reader> readers) {
        return readers.stream()
                .map(Reader::failure)
                .filter(failure -> failure != null && failure.getStatus().getCode()
                        == Status.Code.RESOURCE_EXHAUSTED)
                .findFirst()
                .orElseThrow();
    }

    private static GenerateRequest endless() {
        return endless("default");
    }

    /** An answer of 400 tokens: this prompt meets no end-of-text. */
    private static GenerateRequest endless(String tenant) {
        return GenerateRequest.newBuilder()
                .setScope(RequestScope.newBuilder().setTenant(tenant))
                .setPrompt("on and on")
                .setMaxTokens(LONG)
                .build();
    }

    private static ServingSettings withRequests(ServingSettings settings, int waitingMax,
            int perTenantMax, Duration deadline, Duration stallTimeout) {
        RequestSettings r = settings.requests();
        return new ServingSettings(settings.nodeId(), settings.device(), settings.swaps(),
                new RequestSettings(waitingMax, perTenantMax, 2, r.tokensWaitingMax(),
                        Duration.ofMinutes(10), deadline,
                        r.deadlineMax(), r.candidatesMax(), r.continuationsMax(), r.tokensMax(),
                        r.tokensDefault(), r.textCharsMax(), stallTimeout),
                settings.rank(), settings.transport(), settings.access(), settings.tokenLifetime(),
                settings.feedbackBytesMax());
    }

    private static ServingSettings withQueueTime(ServingSettings settings, Duration max) {
        RequestSettings r = settings.requests();
        return new ServingSettings(settings.nodeId(), settings.device(), settings.swaps(),
                new RequestSettings(r.waitingMax(), r.perTenantMax(), r.runningMax(),
                        r.tokensWaitingMax(), max, r.deadline(), r.deadlineMax(),
                        r.candidatesMax(), r.continuationsMax(), r.tokensMax(), r.tokensDefault(),
                        r.textCharsMax(), r.stallTimeout()),
                settings.rank(), settings.transport(), settings.access(), settings.tokenLifetime(),
                settings.feedbackBytesMax());
    }

    private static ServingSettings withTransport(ServingSettings settings,
            TransportSettings transport) {
        return new ServingSettings(settings.nodeId(), settings.device(), settings.swaps(),
                settings.requests(),
                settings.rank(), transport, settings.access(), settings.tokenLifetime(),
                settings.feedbackBytesMax());
    }
}
