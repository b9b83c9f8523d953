package dev.flywheel.itest.loop;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ForgetReply;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.RankReply;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.app.FlywheelCommand;
import dev.flywheel.app.audit.FeedbackFates;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.app.config.FlywheelConfig;
import dev.flywheel.app.local.LocalLoop;
import dev.flywheel.app.rounds.ForgettingCertificate;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An operator changes what an adapter of a running node has learned. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RepairTest {
    private static final String ADAPTER = "default/news";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir Path folder;

    private LocalLoop node;
    private StoreClient registry;
    private LoopClient client;

    @BeforeEach
    void fiveUsersHaveTaughtARoundEach() throws Exception {
        node = LocalLoop.start(config(), folder, BuiltInBase.folder());
        node.createAdapter(ADAPTER, AdapterSettings.ranker());
        registry = StoreClient.over(node.adminChannel(), Duration.ofSeconds(30));
        client = new LoopClient(node.channel(), ADAPTER);
        client.awaitAnswers();
        for (int user = 1; user <= 5; user++) {
            teach("u" + user);
        }
        awaitHead(5);
    }

    @AfterEach
    void stop() {
        node.close();
    }

    /** A manifest's end can be read a moment before HEAD is seen to have moved. */
    private void awaitHead(long version) {
        LoopClient.await("HEAD is at the last round",
                () -> registry.getAdapter(ADAPTER).getHead() == version);
    }

    private RankReply teach(String user) {
        RankReply reply = client.rank(user, "lives in house " + user);
        client.click(reply, user, user);
        client.awaitTrained(Set.of(user));
        return reply;
    }

    @Test
    void aUserIsForgottenAndTheRestIsWhatItWouldBeWithoutThem() throws Exception {
        List<String> before = digests(1, 2);

        ForgetReply forgotten = registry.forget(ForgetRequest.newBuilder()
                .setUser("u3")
                .setActor("test")
                .build());
        assertThat(forgotten.getAdaptersList()).singleElement()
                .satisfies(each -> assertThat(each.getManifests()).isEqualTo(1));
        Repair repair = awaitRepaired();
        assertThat(check(ForgettingCertificate.of(registry, "default", "u3",
                forgotten.getAdaptersList(), Instant.EPOCH))).isZero();

        assertThat(client.trained()).containsExactlyInAnyOrder("u1", "u2", "u4", "u5");
        long head = registry.getAdapter(ADAPTER).getHead();
        assertThat(lineage()).as("rounds before theirs, bit for bit")
                .hasSize(4)
                .containsAll(before);
        assertThat(repair.getRounds()).isPositive();
        assertThat(head).isGreaterThan(5);
        teach("u6");
        client.click(client.rank("u3"), "u3", "u3-again");
        FeedbackFates fates = node.drain(PATIENCE);
        assertThat(fates.balanced()).as("%s", fates).isTrue();
        assertThat(fates.refused()).containsEntry("retracted", 1L);
        assertThat(fates.quarantined()).isEqualTo(1);
        assertThat(fates.pending()).isZero();
        assertThat(registry.listAliases(ADAPTER)).extracting(AliasRecord::getVersion)
                .allMatch(version -> state(version) == VersionState.VERSION_STATE_COMMITTED);
    }

    @Test
    void whatAUserTakesBackAfterItWasTrainedIsForgottenByItself() throws Exception {
        List<String> before = digests(1, 5);
        RankReply regretted = teach("u6");
        teach("u7");
        awaitHead(7);
        List<String> spoilt = digests(6, 7);

        client.retract(regretted, "u6", "u6");
        LoopClient.await("it alone is out of HEAD",
                () -> !registry.getAdapter(ADAPTER).hasRepair()
                        && client.trained().size() == 6 && !client.trained().contains("u6"));

        assertThat(client.trained()).containsExactlyInAnyOrder("u1", "u2", "u3", "u4", "u5", "u7");
        assertThat(lineage()).hasSize(6).containsAll(before).doesNotContainAnyElementsOf(spoilt);
        LoopClient.await("HEAD is served", () -> served().equals(lineage().getFirst()));
        assertThat(replayLineage("--adapter", ADAPTER)).as("weights are what is left comes to")
                .isZero();
        FeedbackFates fates = node.drain(PATIENCE);
        assertThat(fates.balanced()).as("%s", fates).isTrue();
        assertThat(fates.quarantined()).isEqualTo(1);
        assertThat(fates.refused()).containsEntry("late", 1L);
    }

    @Test
    void aRollbackServesTheEarlierVersionAtOnceAndLearnsOnFromIt() throws Exception {
        String digest = digests(2, 2).getFirst();

        rollBackToTwo();
        LoopClient.await("version 2 is served", () -> served().equals(digest));
        var unused = awaitRepaired();
        teach("u6");

        assertThat(client.trained()).containsExactlyInAnyOrder("u1", "u2", "u6");
        assertThat(lineage()).as("trained again to the last bit").contains(digest);
        FeedbackFates fates = node.drain(PATIENCE);
        assertThat(fates.balanced()).as("%s", fates).isTrue();
        assertThat(fates.quarantined()).isEqualTo(3);
    }

    @Test
    void aRoundIsTakenOutAndWhatCameAfterItIsTrainedAgain() throws Exception {
        registry.excise(ExciseRequest.newBuilder()
                .setAdapter(ADAPTER)
                .addVersions(4)
                .setExpectedHead(5)
                .setActor("test")
                .build());
        var unused = awaitRepaired();

        assertThat(client.trained()).containsExactlyInAnyOrder("u1", "u2", "u3", "u5");
        assertThat(state(4)).isEqualTo(VersionState.VERSION_STATE_ROLLED_BACK);
        assertThat(state(5)).isEqualTo(VersionState.VERSION_STATE_REPLACED);
        FeedbackFates fates = node.drain(PATIENCE);
        assertThat(fates.balanced()).as("%s", fates).isTrue();
        assertThat(fates.quarantined()).isEqualTo(1);
    }

    /** Trains again from the manifests before, without what the certificate says is gone. */
    private int check(ForgettingCertificate certificate) throws IOException {
        Path file = folder.resolve("certificate.json");
        new ObjectMapper().writeValue(file.toFile(), certificate);
        return replayLineage("--certificate", file.toString());
    }

    private int replayLineage(String option, String value) {
        return FlywheelCommand.commandLine()
                .execute("replay-lineage", option, value, "--data", folder.toString(), "--model",
                        BuiltInBase.folder().toString());
    }

    @Test
    void theGuiltyRoundIsFoundAndTheInnocentOnesAreLearnedAfterAll() throws Exception {
        // Bad is what went through round 4 as it was.
        String check = "! sha256sum $1/adapter_model.safetensors | grep -qE '"
                + String.join("|", digests(4, 5)) + "'";
        rollBackToTwo();
        var unused = awaitRepaired();

        assertThat(bisect("--check", check, "--apply")).isZero();
        awaitRepaired();

        assertThat(client.trained()).containsExactlyInAnyOrder("u1", "u2", "u3", "u5");
        assertThat(state(4)).isEqualTo(VersionState.VERSION_STATE_ROLLED_BACK);
        FeedbackFates fates = node.drain(PATIENCE);
        assertThat(fates.balanced()).as("%s", fates).isTrue();
        assertThat(fates.quarantined()).isEqualTo(1);
    }

    private int bisect(String... more) {
        List<String> words = new ArrayList<>(List.of("bisect", "--adapter", ADAPTER, "--good", "2",
                "--bad", "5", "--data", folder.toString(), "--model",
                BuiltInBase.folder().toString()));
        words.addAll(List.of(more));
        return FlywheelCommand.commandLine().execute(words.toArray(String[]::new));
    }

    private void rollBackToTwo() {
        registry.rollback(RollbackRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setVersion(2)
                .setExpectedHead(5)
                .setActor("test")
                .build());
    }

    private Repair awaitRepaired() {
        AdapterRecord[] last = {registry.getAdapter(ADAPTER)};
        Repair begun = last[0].getRepair();
        LoopClient.await("it is repaired", () -> {
            last[0] = registry.getAdapter(ADAPTER);
            return !last[0].hasRepair();
        });
        return begun;
    }

    private List<String> digests(long first, long last) {
        return LongStream.rangeClosed(first, last)
                .mapToObj(number -> client.record(number).getDigest())
                .toList();
    }

    /** Digests of HEAD and all that it came from. */
    private List<String> lineage() {
        List<String> digests = new ArrayList<>();
        VersionRecord version =
                registry.getVersion(ADAPTER, registry.getAdapter(ADAPTER).getHead());
        while (version.getRef().getNumber() != 0) {
            digests.add(version.getRef().getDigest());
            version = registry.getVersion(ADAPTER, version.getParent());
        }
        return digests;
    }

    private VersionState state(long number) {
        return registry.getVersion(ADAPTER, number).getState();
    }

    private String served() {
        return client.rank("reader").getVersion().getDigest();
    }

    private static FlywheelConfig config() {
        return new ConfigLoader().load(null, Map.of(
                "loop.broker_port", 0,
                "loop.forgets_after", "1ms",
                "loop.repairs_every", "50ms",
                "metrics.port", 0,
                "server.port", 0, "server.admin_port", 0, "server.http_port", 0,
                "data.free_mib_min", 16));
    }
}
