package dev.flywheel.serving.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.lora.LoraPair;
import dev.flywheel.adapters.lora.LoraWeights;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.GenerateReply;
import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RequestScope;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.serving.harness.ColdRun;
import dev.flywheel.serving.harness.Node;
import dev.flywheel.serving.metrics.Swaps;
import dev.flywheel.serving.settings.DeviceSettings;
import dev.flywheel.serving.settings.ServingSettings;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class SwapTest {
    private static final String ADAPTER = "news/ranker";
    private static final String PROMPT = "tell me";
    private static final int TOKENS = 12;

    @TempDir private Path folder;
    private Node node;
    private final Map<Long, LoraWeights> versions = new ConcurrentHashMap<>();

    @BeforeEach
    void start() throws Exception {
        start(Node.DEVICE);
    }

    private void start(DeviceSettings device) throws Exception {
        node = new Node(folder, settings -> new ServingSettings(settings.nodeId(), device,
                settings.swaps(), settings.requests(), settings.rank(), settings.transport(),
                settings.access(), settings.tokenLifetime(), settings.feedbackBytesMax()));
        node.publisher.create(ADAPTER, "default");
        publish(1);
        node.ready();
        Node.untilServed("version 1 answers", () -> answer(0).version().getNumber() == 1);
    }

    @AfterEach
    void stop() throws Exception {
        Node.until("all leases are given back", () -> node.serving.leases() == 0);
        assertThat(node.serving.freeBlocks()).isEqualTo(Node.DEVICE.kvBlocks());
        node.close();
    }

    /** P1: each answer is, token for token, the one that its version gives on its own. */
    @Test
    void swapsUnderLoadMixNoAnswerAndFailNone() throws Exception {
        node.close();
        versions.clear();
        folder = folder.resolve("narrow");
        // Two slots: every swap needs the slot of a version that answers were made with just now.
        start(new DeviceSettings(2, 8, Node.DEVICE.kvBlocks(), 16, 64));
        AtomicBoolean publishing = new AtomicBoolean(true);
        List<Answer> answers = new ArrayList<>();
        try (ExecutorService clients = Executors.newFixedThreadPool(6)) {
            List<Future<List<Answer>>> running = new ArrayList<>();
            for (int client = 0; client < 6; client++) {
                running.add(clients.submit(() -> {
                    List<Answer> mine = new ArrayList<>();
                    while (publishing.get()) {
                        mine.add(answer(0));
                    }
                    return mine;
                }));
            }
            for (int seed = 2; seed <= 17; seed++) {
                publish(seed);
            }
            publishing.set(false);
            for (Future<List<Answer>> client : running) {
                answers.addAll(client.get());
            }
        }
        Map<Long, List<Integer>> cold = new ConcurrentHashMap<>();
        for (Answer answer : answers) {
            long number = answer.version().getNumber();
            List<Integer> expected = cold.computeIfAbsent(number, this::coldAnswer);
            assertThat(answer.ids()).as("version %d", number)
                    .isEqualTo(expected.subList(0, answer.ids().size()));
            assertThat(answer.version().getDigest())
                    .isEqualTo(versions.get(number).digest().hex());
        }
        assertThat(cold.size()).as("versions seen by clients").isGreaterThan(4);
        assertThat(cold.values().stream().distinct().count())
                .as("versions can be told apart")
                .isEqualTo(cold.size());
        Node.until("the last version answers", () -> answer(0).version().getNumber() == 17);
        Swaps.Figures swaps = node.serving.swaps();
        assertThat(swaps.count()).isGreaterThan(4);
        assertThat(swaps.flipMillisP99()).isPositive();
    }

    @Test
    void aLongAnswerKeepsItsVersionWhileOthersGetTheNext() throws Exception {
        Iterator<GenerateReply> slow = node.inference()
                .generate(request(0).setMaxTokens(400).build());
        GenerateReply first = slow.next();
        publish(2);
        Node.until("version 2 answers", () -> answer(0).version().getNumber() == 2);
        assertThat(first.getVersion().getNumber()).isEqualTo(1);
        List<GenerateReply> rest = new ArrayList<>();
        slow.forEachRemaining(rest::add);
        assertThat(rest).allMatch(reply -> reply.getVersion().equals(first.getVersion()));
    }

    @Test
    void goingBackAndForthAnswersAsEachVersionDoes() throws Exception {
        publish(2);
        Node.until("version 2 answers", () -> answer(0).version().getNumber() == 2);
        for (long number : new long[] {1, 2, 1, 2}) {
            setServing(number);
            Node.until("version " + number + " answers",
                    () -> answer(0).version().getNumber() == number);
            assertThat(answer(0).ids()).isEqualTo(coldAnswer(number));
        }
    }

    @Test
    void anExactVersionIsLoadedWhenItIsAskedFor() throws Exception {
        for (int seed = 2; seed <= 9; seed++) {
            publish(seed); // more than there are slots: the first ones are evicted
            long number = seed;
            Node.until("version " + number + " answers",
                    () -> answer(0).version().getNumber() == number);
        }
        for (long number : new long[] {1, 3, 5, 7, 9}) {
            Answer answer = answer(number);
            assertThat(answer.version().getNumber()).isEqualTo(number);
            assertThat(answer.ids()).isEqualTo(coldAnswer(number));
        }
        assertThat(answer(0).version().getNumber()).isEqualTo(9);
    }

    @Test
    void aVersionThatWasServedComesBackFromTheHostsMemoryWithoutTheStore() throws Exception {
        for (int seed = 2; seed <= 9; seed++) {
            publish(seed);
            long number = seed;
            Node.until("version " + number + " answers",
                    () -> answer(0).version().getNumber() == number);
        }
        node.stopStore();
        for (long number = 1; number <= 9; number++) {
            assertThat(answer(number).ids()).isEqualTo(coldAnswer(number));
        }
    }

    @Test
    void otherAliasesAnswerWithTheirVersions() throws Exception {
        publish(2);
        node.store.setAlias(SetAliasRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setAlias("champion")
                .setVersion(1)
                .setActor("test")
                .build());
        Node.until("the alias is known and answers", () -> {
            try {
                return answer(request(0).setScope(scope().setAlias("champion")).build()).version()
                        .getNumber() == 1;
            } catch (StatusRuntimeException e) {
                return false;
            }
        });
    }

    @Test
    void moreAdaptersThanSlotsTakeTurns() throws Exception {
        for (int i = 0; i < 10; i++) {
            node.publisher.create("many/a" + i, "default");
            node.publish("many/a" + i, node.publisher.weights(100 + i));
        }
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 10; i++) {
                int each = i;
                Node.untilServed("adapter " + i + " answers with version 1", () -> {
                    RequestScope.Builder scope =
                            RequestScope.newBuilder().setAdapter("many/a" + each);
                    Answer answer = answer(request(0).setScope(scope).build());
                    return answer.version().getNumber() == 1;
                });
            }
        }
    }

    /** P2 and P11: what is not what the trainer made is never served; the old version goes on. */
    @Test
    void badVersionsAreRefusedAndTheOldOneGoesOnAnswering() throws Exception {
        LoraWeights good = node.publisher.weights(7);
        assertRefused(2, "probe fingerprint",
                node.publisher.publish(ADAPTER, good.toSafetensors(), "0".repeat(64)));
        assertRefused(3, "safetensors", publishFromElsewhere(new byte[] {1, 2, 3}));
        assertRefused(4, "no weights for model.layers.0.mlp.down_proj",
                publishFromElsewhere(withoutOnePair(good)));
        assertRefused(5, "NaN", publishFromElsewhere(notFinite()));
        assertRefused(6, "not finite", publishFromElsewhere(infiniteAnswers()));
        assertThat(answer(0).version().getNumber()).isEqualTo(1);
        assertThat(node.count("flywheel.adapter.swap", "outcome", "refused"))
                .isGreaterThanOrEqualTo(5);
        node.publish(ADAPTER, good);
        setServing(7);
        Node.until("the next good version answers",
                () -> answer(0).version().getNumber() == 7);
    }

    /** P4: what is wrong with the new version is no reason for a request to fail, wherever the old one is. */
    @Test
    void aRefusedVersionFailsNoRequestAfterTheOldOneHadToMakeRoom() throws Exception {
        assertThat(publishFromElsewhere(notFinite())).isEqualTo(2);
        Node.until("version 2 was refused",
                () -> node.count("flywheel.adapter.swap", "outcome", "refused") >= 1);
        for (int i = 0; i < 2 * Node.DEVICE.adapterSlots(); i++) {
            String other = "many/b" + i;
            node.publisher.create(other, "default");
            Node.untilServed(other + " answers", () -> answer(request(0)
                    .setScope(RequestScope.newBuilder().setAdapter(other))
                    .build()).version().getNumber() == 0);
        }
        assertThat(answer(0).version().getNumber()).isEqualTo(1);
    }

    @Test
    void aFingerprintOfAnotherBackendProvesNothingAndIsNotHeldAgainstTheVersion()
            throws Exception {
        node.publisher.publish(ADAPTER, node.publisher.weights(7).toSafetensors(),
                "0".repeat(64), "some-gpu/1");
        Node.until("version 2 answers", () -> answer(0).version().getNumber() == 2);
    }

    /** Of another backend, so that the fingerprint refuses nothing. */
    private long publishFromElsewhere(byte[] weights) {
        return node.publisher.publish(ADAPTER, weights, "0".repeat(64), "some-gpu/1");
    }

    private void assertRefused(long number, String why, long published) {
        assertThat(published).isEqualTo(number);
        assertThatThrownBy(() -> answer(number))
                .isInstanceOfSatisfying(StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode())
                                .isEqualTo(Status.Code.FAILED_PRECONDITION))
                .hasMessageContaining("not servable")
                .hasMessageContaining(why);
    }

    private byte[] withoutOnePair(LoraWeights weights) {
        var pairs = new java.util.TreeMap<>(weights.pairs());
        pairs.remove(pairs.firstKey());
        return new LoraWeights(weights.config(), pairs).toSafetensors();
    }

    private byte[] notFinite() {
        LoraWeights weights = node.publisher.weights(8);
        weights.pairs().values().iterator().next().a()[3] = Float.NaN;
        return weights.toSafetensors();
    }

    private byte[] infiniteAnswers() {
        LoraWeights weights = node.publisher.weights(9);
        for (LoraPair pair : weights.pairs().values()) {
            java.util.Arrays.fill(pair.a(), Float.MAX_VALUE);
            java.util.Arrays.fill(pair.b(), Float.MAX_VALUE);
        }
        return weights.toSafetensors();
    }

    private void setServing(long number) {
        AliasRecord now = node.store.listAliases(ADAPTER)
                .stream()
                .filter(alias -> alias.getAlias().equals("serving"))
                .findFirst()
                .orElseThrow();
        node.store.setAlias(SetAliasRequest.newBuilder()
                .setAdapter(ADAPTER)
                .setAlias("serving")
                .setVersion(number)
                .setExpectedRevision(now.getRevision())
                .setActor("test")
                .build());
    }

    private long publish(long seed) {
        LoraWeights weights = node.publisher.weights(seed);
        long number = node.publish(ADAPTER, weights);
        versions.put(number, weights);
        return number;
    }

    private List<Integer> coldAnswer(long number) {
        try (ColdRun cold = new ColdRun(node.base, versions.get(number))) {
            List<Integer> ids = cold.greedy(node.tokenizer.encode(PROMPT), TOKENS);
            int end = ids.indexOf(256);
            return end < 0 ? ids : ids.subList(0, end);
        }
    }

    private record Answer(VersionRef version, List<Integer> ids) {}

    private Answer answer(long number) {
        return answer(request(number).build());
    }

    private Answer answer(GenerateRequest request) {
        List<Integer> ids = new ArrayList<>();
        VersionRef[] version = new VersionRef[1];
        node.inference()
                .withDeadlineAfter(60, TimeUnit.SECONDS)
                .generate(request)
                .forEachRemaining(reply -> {
                    assertThat(version[0] == null || version[0].equals(reply.getVersion()))
                            .as("one version per answer")
                            .isTrue();
                    version[0] = reply.getVersion();
                    ids.addAll(reply.getTokenIdsList());
                });
        return new Answer(version[0], ids);
    }

    private static RequestScope.Builder scope() {
        return RequestScope.newBuilder().setAdapter(ADAPTER);
    }

    private static GenerateRequest.Builder request(long number) {
        return GenerateRequest.newBuilder()
                .setScope(scope().setVersionNumber(number))
                .setPrompt(PROMPT)
                .setMaxTokens(TOKENS);
    }
}
