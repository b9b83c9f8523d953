package dev.flywheel.app.load;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.FinishReason;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.GetVersionRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RegistryGrpc;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A node that answers as it should but where a test has it lie. */
@Timeout(60)
class LoadRunTest {
    private static final String ADAPTER = "news/ranker";
    private static final int EVERY = 10;

    private enum Lie {
        NONE, MIXED, DIGEST, TOKENS, TOKENS_UNDER_LOAD, REGISTRY, NO_END, NO_ROOM, FAULT
    }

    private final AtomicInteger asked = new AtomicInteger();
    private volatile Lie lie = Lie.NONE;
    private Server server;
    private ManagedChannel channel;
    private StoreClient registry;

    private final class Inference extends InferenceGrpc.InferenceImplBase {
        @Override
        public void generate(GenerateRequest request, StreamObserver<GenerateReply> out) {
            boolean alone = request.getScope().getVersionNumber() != 0;
            boolean lies = !alone && asked.incrementAndGet() % EVERY == 0
                    || lie == Lie.TOKENS_UNDER_LOAD && !alone;
            if (lies && lie == Lie.NO_ROOM) {
                out.onError(Status.RESOURCE_EXHAUSTED.asRuntimeException());
            } else if (lies && lie == Lie.FAULT) {
                out.onError(Status.INTERNAL.asRuntimeException());
            } else {
                answer(request, lies ? lie : Lie.NONE, out);
            }
        }

        private void answer(GenerateRequest request, Lie told, StreamObserver<GenerateReply> out) {
            int token = request.getPrompt().length()
                    + (told == Lie.TOKENS || told == Lie.TOKENS_UNDER_LOAD ? 1 : 0);
            out.onNext(reply(told == Lie.DIGEST ? version(3, "other") : version(3, "three"))
                    .addTokenIds(token)
                    .build());
            out.onNext(reply(told == Lie.MIXED ? version(4, "four")
                    : told == Lie.DIGEST ? version(3, "other")
                    : version(3, "three"))
                    .addTokenIds(token + 1)
                    .setFinishReason(told == Lie.NO_END ? FinishReason.FINISH_REASON_UNSPECIFIED
                            : FinishReason.FINISH_REASON_LENGTH)
                    .build());
            out.onCompleted();
        }
    }

    private final class Registry extends RegistryGrpc.RegistryImplBase {
        @Override
        public void getVersion(GetVersionRequest request, StreamObserver<VersionRecord> out) {
            out.onNext(VersionRecord.newBuilder()
                    .setRef(version(3, lie == Lie.REGISTRY ? "recorded" : "three"))
                    .build());
            out.onCompleted();
        }
    }

    private static VersionRef version(long number, String digest) {
        return VersionRef.newBuilder()
                .setAdapter(ADAPTER)
                .setNumber(number)
                .setDigest(digest)
                .build();
    }

    private static GenerateReply.Builder reply(VersionRef version) {
        return GenerateReply.newBuilder().setVersion(version);
    }

    @BeforeEach
    void start() throws IOException {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new Inference())
                .addService(new Registry())
                .build()
                .start();
        String target = "localhost:" + server.getPort();
        channel = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
        registry = StoreClient.connect(target);
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        registry.close();
        server.shutdownNow();
    }

    private LoadReport load(Lie told) throws InterruptedException {
        lie = told;
        LoadSettings settings = new LoadSettings(200, Duration.ofMillis(500),
                ArrivalPattern.POISSON, List.of(ADAPTER), 1, 4, 3, 8, Duration.ofSeconds(10),
                Duration.ofSeconds(10), Duration.ofSeconds(10), 100, 5);
        return new LoadRun(settings, channel, registry, System::nanoTime, (at, note) -> {}).run();
    }

    @Test
    void aNodeThatKeepsItsPromisesIsFoundToKeepThem() throws Exception {
        LoadReport report = load(Lie.NONE);

        assertThat(report.held()).as(report.toString()).isTrue();
        assertThat(report.figures().sent()).isBetween(60L, 140L);
        assertThat(report.figures().answered()).isEqualTo(report.figures().sent());
        assertThat(report.figures().good()).isEqualTo(report.figures().sent());
        assertThat(report.versions()).isEqualTo(1);
        assertThat(report.checkedAgain()).isBetween(1L, 4L);
        assertThat(report.unchecked()).isZero();
    }

    @Test
    void anAnswerOfTwoVersionsIsFound() throws Exception {
        assertWrong(load(Lie.MIXED), "more than one version");
    }

    @Test
    void aVersionWithTwoDigestsIsFound() throws Exception {
        assertWrong(load(Lie.DIGEST), "had digest three and has other");
    }

    @Test
    void aDigestThatTheRegistryDoesNotHaveIsFound() throws Exception {
        assertWrong(load(Lie.REGISTRY), "the registry has recorded");
    }

    @Test
    void anAnswerWithOtherTokensThanTheVersionsIsFound() throws Exception {
        assertWrong(load(Lie.TOKENS), "with tokens");
    }

    @Test
    void tokensThatAVersionGivesUnderLoadAloneAreFound() throws Exception {
        assertWrong(load(Lie.TOKENS_UNDER_LOAD), "under load with tokens");
    }

    @Test
    void anAnswerThatBreaksOffIsAFailure() throws Exception {
        LoadReport report = load(Lie.NO_END);
        assertThat(report.figures().errors()).containsOnlyKeys("DATA_LOSS");
        assertThat(report.held()).isFalse();
    }

    @Test
    void aNodeThatSaysThatItHasNoRoomIsNotAtFault() throws Exception {
        LoadReport report = load(Lie.NO_ROOM);
        assertThat(report.figures().errors()).containsOnlyKeys("RESOURCE_EXHAUSTED");
        assertThat(report.held()).as(report.toString()).isTrue();
    }

    @Test
    void aFaultOfTheNodeIsAFailure() throws Exception {
        LoadReport report = load(Lie.FAULT);
        assertThat(report.figures().errors()).containsOnlyKeys("INTERNAL");
        assertThat(report.held()).isFalse();
    }

    private static void assertWrong(LoadReport report, String what) {
        assertThat(report.held()).isFalse();
        assertThat(report.wrong()).isPositive();
        assertThat(report.wrongShown()).isNotEmpty()
                .allSatisfy(
                        said -> assertThat(said).contains(what));
    }
}
