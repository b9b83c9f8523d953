package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.rounds.ForgettingCertificate;
import dev.flywheel.store.Store;
import dev.flywheel.store.StoreSettings;
import dev.flywheel.store.core.Limits;
import dev.flywheel.store.core.Retention;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Five users have taught an adapter a round each, and all but the last so long ago that their manifests are not kept any more. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class HorizonTest {
    private static final String ADAPTER = "default/news";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int SNAPSHOT_EVERY = 2;

    @TempDir Path folder;

    private LocalLoop node;
    private StoreClient registry;
    private LoopClient client;

    @BeforeEach
    void fourOfFiveRoundsAreTooOld() throws Exception {
        start();
        node.createAdapter(ADAPTER, AdapterSettings.ranker());
        client.awaitAnswers();
        for (int user = 1; user <= 5; user++) {
            teach("u" + user);
        }
        LoopClient.await("HEAD is at the last round",
                () -> registry.getAdapter(ADAPTER).getHead() == 5);
        node.close();
        twoHoursLater();
        start();
        client.awaitAnswers();
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private void start() throws Exception {
        node = LocalLoop.start(config(), folder, BuiltInBase.folder());
        registry = StoreClient.over(node.adminChannel(), Duration.ofSeconds(30));
        client = new LoopClient(node.channel(), ADAPTER);
    }

    /** By the store's clock alone, which keeps manifests for an hour then. */
    private void twoHoursLater() {
        Retention anHour = new Retention(64, SNAPSHOT_EVERY, Duration.ofHours(3),
                Duration.ofHours(1));
        try (Store store = Store.open(folder.resolve("store"),
                new StoreSettings(anHour, Limits.DEFAULT),
                InstantSource.offset(InstantSource.system(), Duration.ofHours(2)))) {
            store.expire();
        }
    }

    private void teach(String user) {
        client.click(client.rank(user, "lives in house " + user), user, user);
        client.awaitTrained(Set.of(user));
    }

    @Test
    void aUserFromBeforeTheHorizonIsForgottenAndWhatIsKeptIsLearnedAgainFromTheBaseModel()
            throws Exception {
        ForgetReply forgotten = registry.forget(ForgetRequest.newBuilder()
                .setUser("u2")
                .setActor("test")
                .build());
        Repair repair = forgotten.getAdapters(0).getRepair();
        LoopClient.await("it is repaired", () -> !registry.getAdapter(ADAPTER).hasRepair());

        assertThat(repair.getBaseVersion()).isZero();
        assertThat(repair.getQuarantined()).isEqualTo(4);
        VersionRecord head =
                registry.getVersion(ADAPTER, registry.getAdapter(ADAPTER).getHead());
        assertThat(head.getParent()).as("the fifth round alone, on the base model").isZero();
        assertThat(client.trained()).containsExactly("u5");
        assertThat(check(ForgettingCertificate.of(registry, "default", "u2",
                forgotten.getAdaptersList(), Instant.EPOCH))).as("digests by training again")
                .isZero();
        teach("u6");
        FeedbackFates fates = node.drain(PATIENCE);
        assertThat(fates.balanced()).as("%s", fates).isTrue();
        assertThat(fates.quarantined()).isEqualTo(4);
        assertThat(fates.pending()).isZero();
    }

    @Test
    void aUserFromAfterItIsForgottenFromTheSnapshotBefore() throws Exception {
        String before = registry.getVersion(ADAPTER, 4).getRef().getDigest();
        ForgetReply forgotten = registry.forget(ForgetRequest.newBuilder()
                .setUser("u5")
                .setActor("test")
                .build());
        LoopClient.await("it is repaired", () -> !registry.getAdapter(ADAPTER).hasRepair());
        assertThat(forgotten.getAdapters(0).getRepair().getBaseVersion()).isEqualTo(4);
        assertThat(registry.getVersion(ADAPTER, registry.getAdapter(ADAPTER).getHead())
                .getRef()
                .getDigest()).isEqualTo(before);
        assertThat(client.trained()).containsExactlyInAnyOrder("u1", "u2", "u3", "u4");
    }

    /** Trains again from the manifests before, without what the certificate says is gone. */
    private int check(ForgettingCertificate certificate) throws IOException {
        Path file = folder.resolve("certificate.json");
        new ObjectMapper().writeValue(file.toFile(), certificate);
        return replay("--certificate", file.toString());
    }

    private int replay(String... more) {
        List<String> words = new ArrayList<>(List.of("replay-lineage", "--data",
                folder.toString(), "--model", BuiltInBase.folder().toString()));
        words.addAll(List.of(more));
        return FlywheelCommand.commandLine().execute(words.toArray(String[]::new));
    }

    @Test
    void whatIsTooOldIsShownAsFarAsItIsKeptAndCannotBeTrainedAgain() {
        StringWriter said = new StringWriter();
        assertThat(FlywheelCommand.commandLine()
                .setOut(new PrintWriter(said, true))
                .execute("lineage", "--adapter", ADAPTER, "--version", "3", "--node",
                        node.endpoints().grpc()))
                .isZero();
        assertThat(said.toString()).contains("examples 1",
                "what it trained on is older than store.manifests_kept and not kept any more");

        assertThat(replay("--adapter", ADAPTER, "--from", "0", "--to", "5")).isNotZero();
        assertThat(replay("--adapter", ADAPTER, "--from", "4", "--to", "5")).isZero();
    }

    private static FlywheelConfig config() {
        return new ConfigLoader().load(null, Map.of(
                "loop.broker_port", 0,
                "metrics.port", 0,
                "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                "store.snapshot_every", SNAPSHOT_EVERY,
                "data.free_mib_min", 16));
    }
}
