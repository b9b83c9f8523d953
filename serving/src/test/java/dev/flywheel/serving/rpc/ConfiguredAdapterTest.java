package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import com.google.rpc.ErrorInfo;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import dev.flywheel.api.v1.Candidate;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.ExplorationSettings;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.QuotaSettings;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RankRequest;
import dev.flywheel.api.v1.RankedItem;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.ScoreRequest;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.serving.harness.Errors;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.harness.Reader;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An adapter that is configured, and deleted, while it is served. */
@Timeout(120)
class ConfiguredAdapterTest {
    private static final String ADAPTER = "news/ranker";
    private static final String OTHER = "news/other";
    private static final int CANDIDATES = 4;

    @TempDir private Path folder;
    private Node node;

    @BeforeEach
    void start() throws Exception {
        node = new Node(folder);
        node.publisher.create(ADAPTER, "default");
        node.publisher.create(OTHER, "default");
        node.publish(ADAPTER, node.publisher.weights(3));
        node.ready();
        Node.untilServed("version 1 answers", () -> rank(ADAPTER).getVersion().getNumber() == 1);
        Node.untilServed("the other answers", () -> rank(OTHER).getItemsCount() > 0);
        node.impressions.clear();
    }

    @AfterEach
    void stop() throws Exception {
        Node.until("all leases are given back", () -> node.serving.leases() == 0);
        node.close();
    }

    private RankReply rank(String adapter) {
        RankRequest.Builder request = RankRequest.newBuilder()
                .setScope(RequestScope.newBuilder().setAdapter(adapter))
                .setContext("likes rivers")
                .setSlateSize(2);
        for (int i = 0; i < CANDIDATES; i++) {
            request.addCandidates(Candidate.newBuilder().setId("c" + i).setText("text " + i));
        }
        return node.inference().rank(request.build());
    }

    private static GenerateRequest generate(String adapter, int tokens) {
        return GenerateRequest.newBuilder()
                .setScope(RequestScope.newBuilder().setAdapter(adapter))
                .setPrompt("tell me")
                .setMaxTokens(tokens)
                .build();
    }

    private void configure(Consumer<ConfigureAdapterRequest.Builder> change) {
        ConfigureAdapterRequest.Builder request = ConfigureAdapterRequest.newBuilder()
                .setName(ADAPTER)
                .setExpectedRevision(node.store.getAdapter(ADAPTER).getRevision())
                .setActor("test");
        change.accept(request);
        node.store.configureAdapter(request.build());
    }

    private void explore(double epsilon, double temperature) {
        configure(request -> request.setExploration(ExplorationSettings.newBuilder()
                .setEpsilon(epsilon)
                .setTemperature(temperature)));
    }

    private Impression last() {
        return node.impressions.getLast();
    }

    private static StatusRuntimeException failure(Runnable call) {
        return catchThrowableOfType(StatusRuntimeException.class, call::run);
    }

    @Test
    void impressionsCarryHowTheAdapterLearnsAndNothingWhereNothingIsSet() throws Exception {
        assertThat(rank(ADAPTER).getItemsCount()).isEqualTo(2);
        assertThat(last().hasLearning()).isFalse();
        LearningSettings.Builder learning = LearningSettings.newBuilder();
        learning.getClickBuilder().setLoss(Loss.LOSS_BINARY).setObservationMillis(1_000);
        learning.getThumbBuilder().setWeight(0.5);
        learning.getGuardBuilder().setExamplesPerUserMax(3);
        configure(request -> request.setLearning(learning));
        Node.until("the node has heard", () -> {
            var unused = rank(ADAPTER);
            return last().hasLearning();
        });
        assertThat(last().getLearning()).isEqualTo(learning.build());
        Reader answer = Reader.all(node.channel, generate(ADAPTER, 3));
        assertThat(answer.status().isOk()).isTrue();
        assertThat(last().getLearning()).isEqualTo(learning.build());
        var scored = node.inference()
                .score(ScoreRequest.newBuilder()
                        .setScope(RequestScope.newBuilder().setAdapter(ADAPTER))
                        .setPrompt("a")
                        .addContinuations("b")
                        .build());
        assertThat(last().getImpressionId()).isEqualTo(scored.getImpressionId());
        assertThat(last().getLearning()).isEqualTo(learning.build());
        assertThat(rank(OTHER).getItemsCount()).isEqualTo(2);
        assertThat(last().hasLearning()).isFalse();
        assertThat(rank("").getItemsCount()).isEqualTo(2);
        assertThat(last().hasLearning()).isFalse();
    }

    @Test
    void anAdapterExploresAsItSaysWithExactPropensities() throws Exception {
        explore(1, 1);
        Node.until("all is drawn by chance", () -> {
            RankReply reply = rank(ADAPTER);
            return reply.getItems(0).getPropensity() == 1.0 / CANDIDATES;
        });
        assertThat(last().getEpsilon()).isEqualTo(1);
        assertThat(rank(ADAPTER).getItems(1).getPropensity())
                .isEqualTo(1.0 / (CANDIDATES - 1), within(1e-12));
        configure(request -> request.setExploration(ExplorationSettings.newBuilder()
                .setEpsilon(0)
                .setTemperature(0)
                .setPropensityMin(0)));
        Node.until("the best is taken", () -> rank(ADAPTER).getItems(0).getPropensity() == 1);
        assertThat(last().getEpsilon()).isZero();
        configure(request -> request.setExploration(ExplorationSettings.newBuilder()
                .setEpsilon(0)
                .setTemperature(0)
                .setPropensityMin(0.1)));
        Node.until("each has its least chance", () -> rank(ADAPTER).getItems(0)
                .getPropensity() < 1);
        Impression floor = last();
        // n * p_min of the first place is drawn uniformly: the best has the rest besides.
        assertThat(floor.getCandidatesList()
                .stream()
                .filter(each -> each.getPlace() == 0)
                .findFirst()
                .orElseThrow()
                .getPropensity()).isIn(0.1, 0.7);
        assertThat(rank(OTHER).getItemsCount()).isEqualTo(2);
        assertThat(last().getEpsilon()).isEqualTo(Node.RANK.epsilon());
    }

    @Test
    void configuringUnderLoadFailsNoRequestAndMixesNone() throws Exception {
        AtomicBoolean going = new AtomicBoolean(true);
        Map<String, RankReply> replies = new HashMap<>();
        try (ExecutorService clients = Executors.newFixedThreadPool(4)) {
            List<Future<List<RankReply>>> running = new ArrayList<>();
            for (int client = 0; client < 4; client++) {
                running.add(clients.submit(() -> {
                    List<RankReply> mine = new ArrayList<>();
                    while (going.get()) {
                        mine.add(rank(ADAPTER));
                    }
                    return mine;
                }));
            }
            for (int change = 1; change <= 20; change++) {
                double epsilon = change % 2;
                configure(request -> {
                    request.getExplorationBuilder()
                            .setEpsilon(epsilon)
                            .setTemperature(0)
                            .setPropensityMin(0);
                    request.getLearningBuilder().setNegativeSamplingRate(epsilon);
                });
                int answered = node.impressions.size();
                Node.until("answers since", () -> node.impressions.size() > answered + 8);
            }
            going.set(false);
            for (Future<List<RankReply>> client : running) {
                client.get().forEach(reply -> replies.put(reply.getImpressionId(), reply));
            }
        }
        Map<Double, Integer> seen = new HashMap<>();
        for (Impression impression : node.impressions) {
            if (impression.hasLearning()) {
                assertThat(impression.getEpsilon())
                        .isEqualTo(impression.getLearning().getNegativeSamplingRate());
                RankedItem first = replies.get(impression.getImpressionId()).getItems(0);
                assertThat(first.getPropensity())
                        .isEqualTo(impression.getEpsilon() == 1 ? 1.0 / CANDIDATES : 1);
                seen.merge(impression.getEpsilon(), 1, Integer::sum);
            }
        }
        assertThat(seen).containsOnlyKeys(0.0, 1.0);
    }

    @Test
    void anAdapterThatHasItsQuotaInsideTakesNoMoreUntilOneLeaves() throws Exception {
        configure(request -> request.getQuotaBuilder().setRequestsMax(1));
        AtomicBoolean heard = new AtomicBoolean();
        while (!heard.get()) {
            // One that is long enough to be met by another.
            Reader long1 = Reader.all(node.channel, generate(ADAPTER, 200));
            Node.until("it answers", () -> long1.replies() > 0 || long1.done());
            StatusRuntimeException refused = failure(() -> rank(ADAPTER));
            if (refused != null) {
                heard.set(true);
                assertThat(refused.getStatus().getCode())
                        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
                assertThat(Errors.detail(refused, ErrorInfo.class).getReason())
                        .isEqualTo("ADAPTER_QUOTA");
                assertThat(Errors.detail(refused, QuotaFailure.class)
                        .getViolations(0)
                        .getSubject()).isEqualTo("adapter");
                assertThat(Errors.detail(refused, RetryInfo.class).hasRetryDelay()).isTrue();
                assertThat(rank(OTHER).getItemsCount()).isEqualTo(2);
                assertThat(rank("").getItemsCount()).isEqualTo(2);
            }
            assertThat(long1.status().isOk()).isTrue();
        }
        Node.until("its place is free", () -> node.serving.leases() == 0);
        assertThat(rank(ADAPTER).getItemsCount()).isEqualTo(2);
        configure(request -> request.setQuota(
                QuotaSettings.getDefaultInstance()));
    }

    @Test
    void aRefusedRequestLeavesItsPlaceToTheNext() throws Exception {
        configure(request -> {
            request.getQuotaBuilder().setRequestsMax(1);
            request.getLearningBuilder().setExaminedPlaces(1);
        });
        Node.until("the node has heard", () -> {
            var unused = rank(ADAPTER);
            return last().hasLearning();
        });
        for (int i = 0; i < 3; i++) {
            StatusRuntimeException missing = failure(() -> node.inference()
                    .rank(RankRequest.newBuilder()
                            .setScope(RequestScope.newBuilder()
                                    .setAdapter(ADAPTER)
                                    .setAlias("nowhere"))
                            .setContext("x")
                            .addCandidates(Candidate.newBuilder().setId("a").setText("b"))
                            .build()));
            assertThat(missing.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        }
        assertThat(rank(ADAPTER).getItemsCount()).isEqualTo(2);
    }

    @Test
    void aDeletedAdapterIsNotFoundWhileWhatItAnswersIsAnsweredToItsEnd() throws Exception {
        Reader reader = Reader.one(node.channel, generate(ADAPTER, 400));
        Node.until("it answers", () -> reader.replies() > 0);
        VersionRef version = rank(ADAPTER).getVersion();
        node.store.deleteAdapter(DeleteAdapterRequest.newBuilder()
                .setName(ADAPTER)
                .setExpectedRevision(1)
                .setActor("test")
                .build());
        Node.until("the node has heard", () -> failure(() -> rank(ADAPTER)) != null);
        StatusRuntimeException gone = failure(() -> rank(ADAPTER));
        assertThat(gone.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(Errors.detail(gone, ErrorInfo.class).getReason()).isEqualTo("ADAPTER_NOT_FOUND");
        reader.readOn();
        assertThat(reader.status().isOk()).isTrue();
        assertThat(last().getVersion()).isEqualTo(version);
        assertThat(rank(OTHER).getItemsCount()).isEqualTo(2);
    }
}
