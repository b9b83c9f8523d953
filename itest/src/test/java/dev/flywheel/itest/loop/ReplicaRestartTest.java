package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.InferenceGrpc;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.app.audit.AuditReport;
import dev.flywheel.app.audit.FeedbackAuditor;
import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.ClusterFolder;
import dev.flywheel.app.cluster.JobState;
import dev.flywheel.app.cluster.Member;
import dev.flywheel.app.local.LoopProgress;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** P4: a node that is killed while it is the only process left starts again and answers as before. */
@Timeout(value = 8, unit = TimeUnit.MINUTES)
class ReplicaRestartTest {
    private static final List<Member> OTHERS = List.of(Member.TRAINER, Member.TASKMANAGER,
            Member.JOBMANAGER, Member.STORE, Member.BROKER);
    private static final Duration READY = Duration.ofMinutes(3);
    private static final int ANSWERS = 10;
    private static final Map<String, Object> SETTINGS = Map.of(
            "server.port", 0,
            "server.admin_port", 0,
            "loop.broker_port", 0,
            "metrics.port", 0,
            "loop.guard_profile", "trusted-stream",
            "loop.checkpoint_interval", "2s",
            "data.free_mib_min", 64);

    @TempDir Path data;

    private Cluster cluster;
    private LoopClient client;

    private record Answer(VersionRef version, List<Integer> tokens) {}

    @Test
    void aNodeThatIsKilledWhileAllElseIsDownAnswersAsBeforeAndCatchesUp() throws Exception {
        ClusterFolder folder = ClusterFolder.lay(data, null, SETTINGS, new SplittableRandom(11));
        try (Cluster running =
                Cluster.start(folder, BuiltInBase.folder(), JobState.NEWEST, Map.of())) {
            cluster = running;
            client = new LoopClient(running.channel(), adapter());
            running.awaitReady(READY);
            until("the adapter is served", () -> !answer(0).tokens().isEmpty());
            teach("before", rankings("before"));
            until("something is learned", () -> served() > 0);
            OTHERS.forEach(running::hold);

            Answer before = answer(0);
            until("the replica is written", () -> metric("flywheel_replica_unwritten") == 0);
            running.kill(Member.SERVING);
            until("the node is back", () -> serving());

            assertThat(before.version().getNumber()).isPositive();
            assertThat(answer(0)).isEqualTo(before);
            until("it says so", () -> metric("flywheel_replica_serving") == 1);
            List<RankReply> spooled = rankings("alone");
            assertThat(spooled).allSatisfy(reply -> {
                assertThat(reply.getFeedbackToken()).isNotEmpty();
                assertThat(reply.getVersion()).isEqualTo(before.version());
            });
            until("they are spooled", () -> metric("flywheel_serving_spool_records") >= ANSWERS);
            assertUnavailable(() -> client.click(spooled.getFirst(), "alone0", "too early"));
            assertUnavailable(() -> answer(before.version().getNumber() + 1_000));
            assertUnavailable(() -> new LoopClient(running.channel(), "news/other").rank("u"));

            OTHERS.forEach(running::letStart);
            running.awaitReady(READY);
            until("it follows the store", () -> metric("flywheel_replica_serving") == 0);
            until("the spool is empty", () -> metric("flywheel_serving_spool_records") == 0);
            teach("alone", spooled);
            until("it catches up", () -> answer(0).version().getNumber() == served()
                    && served() > before.version().getNumber());
            assertBalanced();
        }
    }

    private String adapter() {
        return cluster.folder().config().adapter().name();
    }

    private List<RankReply> rankings(String who) {
        List<RankReply> replies = new ArrayList<>();
        for (int i = 0; i < ANSWERS; i++) {
            replies.add(client.rank(who + i));
        }
        return replies;
    }

    private void teach(String who, List<RankReply> replies) {
        for (int i = 0; i < replies.size(); i++) {
            var unused = client.click(replies.get(i), who + i, who + "-" + i);
        }
    }

    private long served() {
        return cluster.store()
                .listAliases(adapter())
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .mapToLong(AliasRecord::getVersion)
                .findFirst()
                .orElse(0);
    }

    private Answer answer(long version) {
        Iterator<GenerateReply> replies = InferenceGrpc.newBlockingStub(cluster.channel())
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .generate(GenerateRequest.newBuilder()
                        .setScope(RequestScope.newBuilder()
                                .setAdapter(adapter())
                                .setUser("asker")
                                .setVersionNumber(version))
                        .setPrompt("The sea is")
                        .setMaxTokens(16)
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

    private static void assertUnavailable(Runnable call) {
        StatusRuntimeException refused =
                catchThrowableOfType(StatusRuntimeException.class, call::run);
        assertThat(refused).isNotNull();
        assertThat(refused.getStatus().getCode()).as(refused.toString())
                .isEqualTo(Status.Code.UNAVAILABLE);
    }

    private boolean serving() {
        cluster.channel().resetConnectBackoff();
        return HealthGrpc.newBlockingStub(cluster.channel())
                .withDeadlineAfter(2, TimeUnit.SECONDS)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus() == ServingStatus.SERVING;
    }

    private double metric(String name) {
        try (HttpClient http = HttpClient.newHttpClient()) {
            String scraped = http.send(HttpRequest
                    .newBuilder(cluster.folder().metrics(Member.SERVING))
                    .timeout(Duration.ofSeconds(10))
                    .build(), HttpResponse.BodyHandlers.ofString()).body();
            return scraped.lines()
                    .filter(line -> line.matches(name + "(_[a-z]+)? .*"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                    .findFirst()
                    .orElse(Double.NaN);
        } catch (IOException away) {
            return Double.NaN;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Double.NaN;
        }
    }

    private void assertBalanced() throws Exception {
        String job = cluster.job().orElseThrow();
        try (LoopProgress pending = cluster.flink().progress(job);
                FeedbackAuditor auditor = cluster.flink().auditor(cluster.store(), pending)) {
            until("all that was said has an end", () -> {
                try {
                    AuditReport report = auditor.audit();
                    return report.balanced() && report.fates().pending() == 0
                            && report.fates().trained() == 2 * ANSWERS;
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
    }

    private static void until(String what, BooleanSupplier holds) throws InterruptedException {
        long deadline = System.nanoTime() + READY.toNanos();
        while (!passing(holds)) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("never came: " + what);
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    private static boolean passing(BooleanSupplier holds) {
        try {
            return holds.getAsBoolean();
        } catch (StatusRuntimeException away) {
            return false;
        }
    }
}
