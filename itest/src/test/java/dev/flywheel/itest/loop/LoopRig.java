package dev.flywheel.itest.loop;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.Click;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DecisionKind;
import dev.flywheel.api.v1.Example;
import dev.flywheel.api.v1.FeedbackEvent;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.LoraSettings;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.RefusedFeedback;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.RoundSettings;
import dev.flywheel.api.v1.Scoring;
import dev.flywheel.api.v1.ShownCandidate;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.app.local.EmbeddedBroker;
import dev.flywheel.app.local.EmbeddedFlink;
import dev.flywheel.app.local.LoopProgress;
import dev.flywheel.feedback.attribution.AttributionSettings;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.kafka.FeedbackPublisher;
import dev.flywheel.feedback.kafka.ImpressionPublisher;
import dev.flywheel.feedback.kafka.Intake;
import dev.flywheel.feedback.kafka.IntakeReader;
import dev.flywheel.feedback.kafka.PublisherSettings;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.feedback.token.FeedbackToken;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import dev.flywheel.pipelines.CheckpointTimes;
import dev.flywheel.pipelines.LoopSettings;
import dev.flywheel.pipelines.round.RoundPace;
import dev.flywheel.pipelines.round.ServerTargets;
import dev.flywheel.pipelines.stage.EvaluationLimits;
import dev.flywheel.serving.impression.ImpressionSpool;
import dev.flywheel.serving.impression.SpoolDrain;
import dev.flywheel.store.Store;
import dev.flywheel.store.StoreSettings;
import dev.flywheel.store.queue.QueueLimits;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Broker, store, trainer and job of one test class, and an outside client of theirs. */
final class LoopRig implements AutoCloseable {
    static final Duration OBSERVATION = Duration.ofSeconds(2);
    static final int PARTITIONS = 2;
    static final Topics TOPICS = new Topics("itest");
    static final IntakeReader READER =
            new IntakeReader(EventSchema.FEEDBACK_BYTES_DEFAULT, true);

    static final AttributionSettings ATTRIBUTION =
            AttributionSettings.of(OBSERVATION, Duration.ofMinutes(10), Duration.ofMinutes(5));

    private static final CheckpointTimes CHECKPOINTS =
            new CheckpointTimes(Duration.ofSeconds(1), Duration.ofSeconds(30));
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration DRAIN = Duration.ofSeconds(90);

    private final InstantSource clock;
    final EmbeddedBroker broker;
    final Store store;
    final StoreClient client;
    final QuickTrainer trainer;
    final ImpressionSpool impressions;
    private final ImpressionPublisher publisher;
    private final SpoolDrain drain;
    final FeedbackPublisher feedback;
    private final TrainerRelay relay = new TrainerRelay();
    private Server server;
    private final Path checkpoints;
    private final LoopSettings settings;
    private final TokenSigner signer;
    EmbeddedFlink flink;

    LoopRig(Path folder) throws Exception {
        this(folder, InstantSource.system());
    }

    /**
     * Starts everything.
     *
     * @param clock of the node; broker and job have none but the machine's
     */
    LoopRig(Path folder, InstantSource clock) throws Exception {
        this(folder, clock, clock, ATTRIBUTION);
    }

    /**
     * Starts everything.
     *
     * @param impressionClock tells how far the node has got with writing impressions
     */
    LoopRig(Path folder, InstantSource clock, InstantSource impressionClock,
            AttributionSettings attribution) throws Exception {
        this.clock = clock;
        Path keys = folder.resolve("token-keys");
        Files.writeString(keys, TokenKeys.format("k1", "0123456789abcdef0123456789abcdef"
                .getBytes(StandardCharsets.US_ASCII)));
        signer = new TokenSigner(TokenKeys.read(keys));
        broker = EmbeddedBroker.start(folder.resolve("broker"), 0);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            TOPICS.create(admin, PARTITIONS, (short) 1);
        }
        store = Store.open(folder.resolve("store"), StoreSettings.DEFAULT, InstantSource.system());
        startServers(0);
        String target = "localhost:" + server.getPort();
        client = StoreClient.connect(target);
        trainer = new QuickTrainer(client);
        relay.target = trainer;
        checkpoints = folder.resolve("checkpoints");
        settings = new LoopSettings(broker.bootstrapServers(), TOPICS,
                new ServerTargets(target, target), keys,
                attribution, Duration.ofMinutes(20), 1 << 20, Duration.ofMillis(200),
                Duration.ofSeconds(10),
                GuardProfiles.of(GuardProfile.DEFAULT),
                Duration.ofDays(7),
                RoundPace.of(Duration.ofMillis(20), Duration.ofSeconds(30), 1_000),
                new EvaluationLimits(Duration.ofSeconds(1), 16 << 20, Duration.ofHours(1),
                        Duration.ofDays(7)),
                1,
                READER);
        PublisherSettings publishing =
                PublisherSettings.of(broker.bootstrapServers(), TOPICS, "node-1",
                        Duration.ofMillis(100));
        impressions = ImpressionSpool.open(folder.resolve("spool"),
                new QueueLimits(64 << 20, ImpressionPublisher.IMPRESSION_BYTES_MAX),
                impressionClock, new SimpleMeterRegistry());
        publisher = new ImpressionPublisher(publishing, impressions.progress(),
                impressions::unwrittenSince);
        drain = SpoolDrain.start(impressions, publisher::publish);
        feedback = new FeedbackPublisher(publishing, clock);
        if (!publisher.awaitReady(START) || !feedback.awaitReady(START)) {
            throw new IllegalStateException("broker does not answer");
        }
        startJob();
    }

    private void startServers(int port) throws IOException {
        ServerBuilder<?> builder =
                Grpc.newServerBuilderForPort(port, InsecureServerCredentials.create())
                        .maxInboundMessageSize(store.inboundBytesMax())
                        .addService(relay);
        store.services().forEach(builder::addService);
        server = builder.build().start();
    }

    /** Where the registry is reached. */
    String target() {
        return "localhost:" + server.getPort();
    }

    /** Takes store and trainer off the network while the action runs. */
    void withoutServers(ThrowingAction action) throws Exception {
        int port = server.getPort();
        server.shutdownNow().awaitTermination();
        try {
            action.run();
        } finally {
            startServers(port);
        }
    }

    /** Something to do that may fail. */
    interface ThrowingAction {
        void run() throws Exception;
    }

    /** Lets the trainer be made after the server that carries it. */
    private static final class TrainerRelay
            extends
                dev.flywheel.api.v1.TrainingGrpc.TrainingImplBase {
        private volatile QuickTrainer target;

        @Override
        public void train(
                dev.flywheel.api.v1.TrainRequest request,
                io.grpc.stub.StreamObserver<dev.flywheel.api.v1.TrainReply> reply) {
            target.train(request, reply);
        }

        @Override
        public void getCapacity(
                dev.flywheel.api.v1.GetCapacityRequest request,
                io.grpc.stub.StreamObserver<dev.flywheel.api.v1.Capacity> reply) {
            target.getCapacity(request, reply);
        }
    }

    void startJob() {
        flink = EmbeddedFlink.start(settings, checkpoints, CHECKPOINTS, START);
    }

    /** Starts the job once more, as if by mistake; the caller closes it. */
    EmbeddedFlink startSecondJob() {
        return EmbeddedFlink.start(settings, checkpoints.resolveSibling("second"), CHECKPOINTS,
                START);
    }

    /** The number of the newest checkpoint that is complete; 0 if there is none. */
    long newestCheckpoint() {
        try (var files = Files.walk(checkpoints, 3)) {
            return files.filter(file -> file.endsWith("_metadata"))
                    .map(file -> file.getParent().getFileName().toString())
                    .mapToLong(name -> Long.parseLong(name.substring("chk-".length())))
                    .max()
                    .orElse(0);
        } catch (IOException | UncheckedIOException removedMeanwhile) {
            return 0;
        }
    }

    void stopJob() {
        flink.close();
    }

    /** Overwrites every file of every checkpoint. */
    void spoilCheckpoints() throws Exception {
        try (var files = Files.walk(checkpoints)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.writeString(file, "not a checkpoint");
            }
        }
    }

    void forgetCheckpoints() throws Exception {
        try (var files = Files.walk(checkpoints)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    void createAdapter(String name, int examplesMax) {
        String start = client.putBlob(name.getBytes(StandardCharsets.UTF_8)).getDigest();
        client.createAdapter(CreateAdapterRequest.newBuilder()
                .setName(name)
                .setTenant("acme")
                .setBaseDigest("ba".repeat(32))
                .setStartDigest(start)
                .setRelease(ReleasePolicy.RELEASE_POLICY_IMMEDIATE)
                .setLora(
                        LoraSettings.newBuilder().setRank(4).setAlpha(8).addTargetModules("q_proj"))
                .setRound(RoundSettings.newBuilder()
                        .setLearningRate(0.01)
                        .setBeta1(0.9)
                        .setBeta2(0.999)
                        .setEpsilon(1e-8)
                        .setSteps(1)
                        .setNormMax(100)
                        .setExamplesMax(examplesMax))
                .build());
    }

    /** Publishes a slate of three, shown to this user now. */
    Impression slate(String adapter, String id, String user) {
        Impression shown = unpublished(adapter, id, user);
        if (!impressions.offer(shown)) {
            throw new IllegalStateException("impression was not accepted");
        }
        return shown;
    }

    /** Returns such a slate, for the test to publish. */
    Impression unpublished(String adapter, String id, String user) {
        Impression.Builder impression = Impression.newBuilder()
                .setImpressionId(id)
                .setNodeId("node-1")
                .setTenant("acme")
                .setUser(user)
                .setKind(DecisionKind.DECISION_KIND_RANK)
                .setVersion(VersionRef.newBuilder()
                        .setAdapter(adapter)
                        .setDigest("ab".repeat(32))
                        .setBaseDigest("ba".repeat(32)))
                .setServedAtMillis(clock.millis())
                .addPromptIds(1)
                .setScoring(Scoring.newBuilder().setVerdict(true).setAcceptId(1).setRejectId(2));
        for (int i = 0; i < 3; i++) {
            impression.addCandidates(ShownCandidate.newBuilder()
                    .setId("c" + i)
                    .addIds(10 + i)
                    .setPlace(i)
                    .setPropensity(1.0 / 3));
        }
        return impression.build();
    }

    /** Publishes an answer of so many tokens to a prompt, given to this user now. */
    Impression answer(String adapter, String id, String user, int tokens) {
        Impression given = unwrittenAnswer(adapter, id, user, tokens);
        if (!impressions.offer(given)) {
            throw new IllegalStateException("impression was not accepted");
        }
        return given;
    }

    /** Makes the same, and publishes nothing. */
    Impression unwrittenAnswer(String adapter, String id, String user, int tokens) {
        ShownCandidate.Builder answer = ShownCandidate.newBuilder().setId("answer").setScore(-1);
        IntStream.range(0, tokens).forEach(i -> answer.addIds(20 + i));
        return Impression.newBuilder()
                .setImpressionId(id)
                .setNodeId("node-1")
                .setTenant("acme")
                .setUser(user)
                .setKind(DecisionKind.DECISION_KIND_GENERATE)
                .setVersion(VersionRef.newBuilder()
                        .setAdapter(adapter)
                        .setDigest("ab".repeat(32))
                        .setBaseDigest("ba".repeat(32)))
                .setServedAtMillis(clock.millis())
                .addPromptIds(1)
                .addPromptIds(2)
                .addCandidates(answer)
                .build();
    }

    FeedbackEvent signal(Impression impression, String feedbackId, Signal.Builder signal) {
        return click(impression, feedbackId, "unused").toBuilder().setSignal(signal).build();
    }

    FeedbackEvent click(Impression impression, String feedbackId, String item) {
        return FeedbackEvent.newBuilder()
                .setFeedbackId(feedbackId)
                .setSource("client")
                .setImpressionId(impression.getImpressionId())
                .setTenant(impression.getTenant())
                .setUser(impression.getUser())
                .setFeedbackToken(signer.sign(FeedbackToken.of(impression, Duration.ofHours(1))))
                .setReceivedAtMillis(clock.millis())
                .setSignal(Signal.newBuilder().setClick(Click.newBuilder().setCandidateId(item)))
                .build();
    }

    long send(FeedbackEvent event) throws Exception {
        return feedback.publish(event).get();
    }

    LoopProgress.Pending drain() throws Exception {
        try (LoopProgress progress = progress()) {
            return progress.awaitDrained(DRAIN);
        }
    }

    LoopProgress progress() {
        return new LoopProgress(flink.rest(), flink.job().toString(), broker.bootstrapServers(),
                TOPICS);
    }

    /** Every example of every manifest of an adapter, abandoned ones left out. */
    List<Example> claimedExamples(String adapter) {
        List<ManifestSummary> manifests = new ArrayList<>();
        client.listManifests(adapter, 0, manifests::add);
        List<Example> examples = new ArrayList<>();
        manifests.forEach(each -> examples
                .addAll(client.getManifest(adapter, each.getSeq()).getExamplesList()));
        return examples;
    }

    List<FeedbackKey> trained(String adapter) {
        List<FeedbackKey> keys = new ArrayList<>();
        claimedExamples(adapter).forEach(example -> keys.addAll(example.getFeedbackList()));
        return keys;
    }

    /** Everything in the dead-letter topic of feedback, by feedback id; what came twice counts once. */
    Map<String, RefusedFeedback> refused() throws Exception {
        Map<String, RefusedFeedback> refused = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : deadLetters()) {
            RefusedFeedback letter = RefusedFeedback.parseFrom(record.value());
            refused.put(letter.getKey().getFeedbackId(), letter);
        }
        return refused;
    }

    /** Whether a node's heartbeats are in every partition of the feedback topic. */
    boolean hasBeaten(String node) {
        return hasBeaten(node, 0);
    }

    /** Whether such heartbeats of a time or later are. */
    boolean hasBeaten(String node, long atMillis) {
        return records(TOPICS.feedback()).stream()
                .filter(record -> READER.feedback(record) instanceof Intake.Beat<FeedbackEvent> beat
                        && beat.heartbeat().getNodeId().equals(node)
                        && beat.heartbeat().getAtMillis() >= atMillis)
                .map(ConsumerRecord::partition)
                .distinct()
                .count() == PARTITIONS;
    }

    List<ConsumerRecord<byte[], byte[]>> deadLetters() {
        return records(TOPICS.deadFeedback());
    }

    private List<ConsumerRecord<byte[], byte[]>> records(String topic) {
        List<TopicPartition> partitions = IntStream.range(0, PARTITIONS)
                .mapToObj(p -> new TopicPartition(topic, p))
                .toList();
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }

    @Override
    public void close() {
        flink.close();
        drain.close();
        publisher.close();
        impressions.close();
        feedback.close();
        client.close();
        server.shutdownNow();
        store.close();
        broker.close();
    }
}
