package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.Closing;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.local.OptionNames;
import dev.flywheel.engine.model.LoadProgress;
import dev.flywheel.trainer.adapter.AdapterSettings;
import dev.flywheel.trainer.adapter.DeletedAdapterException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** An outside client makes an adapter at a running node, configures it under traffic, and deletes it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class AdapterLifecycleTest {
    private static final String ADAPTER = "default/news";
    /** Of two candidates each: drawn by chance, and the best taken. */
    private static final double BY_CHANCE = 0.5;
    private static final double BEST = 1;

    @TempDir Path folder;

    private final Queue<Double> propensities = new ConcurrentLinkedQueue<>();
    private final List<Throwable> failures = new ArrayList<>();
    private final AtomicInteger clicks = new AtomicInteger();

    @Test
    void anAdapterLivesAndDiesByCallsAlone() throws Exception {
        try (LocalLoop node = LocalLoop.start(config(), folder, BuiltInBase.folder())) {
            StoreClient registry = StoreClient.over(node.adminChannel(), Duration.ofSeconds(30));
            LoopClient client = new LoopClient(node.channel(), ADAPTER);

            AdapterRecord made = registry.createAdapter(request());
            assertThat(made.getBaseDigest()).hasSize(64);
            assertThat(made.getRound().getSteps()).as("the node's").isPositive();
            client.awaitAnswers();
            client.click(client.rank("first"), "first", "first");
            client.awaitTrained(Set.of("first"));

            AtomicBoolean going = new AtomicBoolean(true);
            try (ExecutorService traffic = Executors.newFixedThreadPool(2)) {
                List<Future<?>> readers = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    readers.add(traffic.submit(() -> read(client, going)));
                }
                LoopClient.await("places are drawn by chance",
                        () -> propensities.contains(BY_CHANCE));
                for (int change = 0; change < 6; change++) {
                    double epsilon = change % 2;
                    configure(registry, request -> request.getExplorationBuilder()
                            .setEpsilon(epsilon)
                            .setTemperature(0));
                    propensities.clear();
                    LoopClient.await("the node has heard", () -> propensities.contains(
                            epsilon == 0 ? BEST : BY_CHANCE));
                }
                configure(registry, request -> request.setRound(
                        made.getRound().toBuilder().setExamplesMax(2)));
                long head = registry.getAdapter(ADAPTER).getHead();
                LoopClient.await("it learns on",
                        () -> registry.getAdapter(ADAPTER).getHead() > head);
                going.set(false);
                for (Future<?> reader : readers) {
                    reader.get();
                }
            }
            assertThat(failures).isEmpty();
            assertThat(propensities).containsAnyOf(BY_CHANCE, BEST)
                    .allMatch(each -> each == BY_CHANCE || each == BEST);
            FeedbackFates fates = node.drain(Duration.ofSeconds(60));
            assertThat(fates.balanced()).as("%s", fates).isTrue();
            assertThat(fates.acknowledged()).isEqualTo(1 + clicks.get());
            assertThat(fates.trained()).isPositive();
            assertThat(registry.getVersion(ADAPTER, 1).getFigures().getExamplesByKindMap())
                    .containsOnlyKeys("BINARY");
            anOperatorConfigures(node.endpoints().grpc());

            RankReply last = client.rank("last");
            delete(registry, ADAPTER);
            LoopClient.await("requests are not found", () -> refused(client));
            client.click(last, "last", "late");
            FeedbackFates ended = node.drain(Duration.ofSeconds(60));
            assertThat(ended.balanced()).as("%s", ended).isTrue();
            assertThat(ended.pending()).as("%s", ended).isZero();
            assertThat(ended.refused()).as("%s", ended).containsKey("no_adapter");
            assertThat(ended.trained()).isEqualTo(fates.trained());
            assertThat(registry.listAdapters()).extracting(AdapterRecord::getName)
                    .doesNotContain(ADAPTER);
            assertThat(registry.listAudit(ADAPTER, 1_000)).filteredOn(
                    entry -> entry.getAction() != AuditAction.AUDIT_ACTION_ALIAS_MOVED)
                    .extracting(AuditEntry::getActor)
                    .containsOnly("test")
                    .hasSize(10);
        }
    }

    @Test
    void aNodeStartsAgainWithoutItsConfiguredAdapterOnceThatWasDeleted() {
        FlywheelConfig config = config();
        String configured = config.adapter().name();
        try (LocalLoop node = LocalLoop.start(config, folder, BuiltInBase.folder())) {
            node.createAdapterOfSettings();
            node.createAdapter(ADAPTER, AdapterSettings.ranker());
            delete(StoreClient.over(node.adminChannel()), configured);
        }
        List<String> told = new ArrayList<>();
        try (Closing closing = new Closing()) {
            LocalLoop node = LocalLoop.start(config, folder, BuiltInBase.folder(),
                    OptionNames.KEPT, closing, told::add, LoadProgress.NONE);
            node.createAdapterOfSettings();

            assertThat(told).last().asString().contains(configured, "deleted", "adapter.name");
            assertThat(new LoopClient(node.channel(), ADAPTER).rank("u").getItemsList())
                    .hasSize(2);
            assertThatThrownBy(() -> node.createAdapter(configured, AdapterSettings.ranker()))
                    .isInstanceOf(DeletedAdapterException.class)
                    .hasMessageContaining(configured)
                    .hasMessageContaining("choose another name");
        }
    }

    private static FlywheelConfig config() {
        return new ConfigLoader().load(null, Map.of(
                "loop.broker_port", 0,
                "metrics.port", 0,
                "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                "data.free_mib_min", 16));
    }

    private static CreateAdapterRequest request() {
        CreateAdapterRequest.Builder request =
                CreateAdapterRequest.newBuilder().setName(ADAPTER).setActor("test");
        request.getLoraBuilder().setRank(4).addTargetModules("q_proj").addTargetModules("v_proj");
        request.getLearningBuilder()
                .getClickBuilder()
                .setLoss(Loss.LOSS_BINARY)
                .setObservationMillis(500);
        request.getLearningBuilder().getGuardBuilder().setRoundShareMax(0);
        request.getExplorationBuilder().setEpsilon(1).setTemperature(0);
        return request.build();
    }

    /** Ranks, and clicks on every fourth slate. */
    private void read(LoopClient client, AtomicBoolean going) {
        try {
            for (int i = 0; going.get(); i++) {
                String user = "u" + i;
                RankReply reply = client.rank(user);
                propensities.add(reply.getItems(0).getPropensity());
                if (i % 4 == 0) {
                    String id = Thread.currentThread().threadId() + "-" + i;
                    client.click(reply, user, id);
                    clicks.incrementAndGet();
                }
            }
        } catch (RuntimeException failed) {
            synchronized (failures) {
                failures.add(failed);
            }
        }
    }

    private static void configure(StoreClient registry,
            Consumer<ConfigureAdapterRequest.Builder> change) {
        ConfigureAdapterRequest.Builder request = ConfigureAdapterRequest.newBuilder()
                .setName(ADAPTER)
                .setExpectedRevision(registry.getAdapter(ADAPTER).getRevision())
                .setActor("test");
        change.accept(request);
        var unused = registry.configureAdapter(request.build());
    }

    private static void delete(StoreClient registry, String adapter) {
        var unused = registry.deleteAdapter(DeleteAdapterRequest.newBuilder()
                .setName(adapter)
                .setExpectedRevision(registry.getAdapter(adapter).getRevision())
                .setActor("test")
                .build());
    }

    private static void anOperatorConfigures(String address) {
        StringWriter out = new StringWriter();
        CommandLine line = FlywheelCommand.commandLine();
        line.setOut(new PrintWriter(out, true));
        assertThat(line.execute("adapter", "configure", ADAPTER, "--node", address, "--set",
                "learning.click.weight=0.5", "--unset", "exploration", "--actor", "test")).isZero();
        assertThat(out.toString()).contains("learning.click.weight: unset -> 0.5",
                "exploration.temperature: 0 -> unset");
    }

    private static boolean refused(LoopClient client) {
        StatusRuntimeException refusal = catchThrowableOfType(StatusRuntimeException.class,
                () -> client.rank("u"));
        return refusal != null && refusal.getStatus().getCode() == Status.Code.NOT_FOUND;
    }
}
