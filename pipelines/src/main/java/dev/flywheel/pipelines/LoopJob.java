package dev.flywheel.pipelines;

import dev.flywheel.api.v1.ComparedAnswer;
import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.pipelines.intake.DeadLetterSerializer;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.intake.EventDeserializer;
import dev.flywheel.pipelines.intake.IntakeFunction;
import dev.flywheel.pipelines.intake.NodeWatermarks;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.round.RoundDriverFactory;
import dev.flywheel.pipelines.stage.AttributionFunction;
import dev.flywheel.pipelines.stage.AttributionStage;
import dev.flywheel.pipelines.stage.ComparedAnswers;
import dev.flywheel.pipelines.stage.CrowdFunction;
import dev.flywheel.pipelines.stage.EvaluationFunction;
import dev.flywheel.pipelines.stage.EvaluationOperator;
import dev.flywheel.pipelines.stage.EvaluationSerializer;
import dev.flywheel.pipelines.stage.GuardFunction;
import dev.flywheel.pipelines.stage.PairFunction;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The loop's one job: impressions and feedback come in, rounds go out, and whatever is refused on the way goes to the
 * dead-letter topics.
 *
 * <pre>
 * impressions ─┐                   preferences, by the other answer: pairs
 *              │                           ┌────┴────┐
 *              ├─ by impression: attribution ─────────┴─ by user: guard ─ by adapter: crowd guard
 * feedback ────┘        │                                │                     │
 *                       │                                │                 evaluation ─► evaluations
 *                       │                                │                     │
 *                       │                                │                 round driver ─► store, trainer
 *                       │                                │                     │
 *                       └────────────────────────────────┴─────────────────────┴─► dead letters
 * </pre>
 *
 * <p>It reads from its checkpoint's offsets, else from the beginning: the store's claims make every replay exact. Nothing is
 * transactional, so no checkpoint delays a version. Sources are never idle: the nodes' heartbeats move time in every
 * partition, see {@link dev.flywheel.feedback.time.PartitionTime}, and where they all stop, time stops.
 */
public final class LoopJob {
    /** The job's name in Flink. */
    public static final String NAME = "flywheel-loop";

    private static final String GROUP = "flywheel-loop";

    private LoopJob() {}

    /** Adds the job to the environment; the caller configures and starts it. */
    public static void build(StreamExecutionEnvironment environment, LoopSettings settings) {
        environment.setParallelism(settings.parallelism());
        // Whatever would fall back to Kryo fails at once instead.
        environment.configure(Configuration.fromMap(Map.of("pipeline.generic-types", "false")));
        SingleOutputStreamOperator<Impression> impressions = named(
                source(environment, settings, settings.topics().impression(),
                        EventDeserializer
                                .impressions(letters(LoopMetrics.IMPRESSION_INTAKE, settings),
                                        settings.reader()),
                        LoopMetrics.IMPRESSION_INTAKE + "-source")
                        .process(IntakeFunction.impressions(),
                                MessageType.ofMessage(Impression.class)),
                LoopMetrics.IMPRESSION_INTAKE);
        SingleOutputStreamOperator<TakenFeedback> feedback = named(
                source(environment, settings, settings.topics().feedback(),
                        EventDeserializer.feedback(letters(LoopMetrics.FEEDBACK_INTAKE, settings),
                                settings.reader()),
                        LoopMetrics.FEEDBACK_INTAKE + "-source")
                        .process(IntakeFunction.feedback(),
                                MessageType.ofMessage(TakenFeedback.class)),
                LoopMetrics.FEEDBACK_INTAKE);
        SingleOutputStreamOperator<LoopItem> attributed =
                attributed(impressions, feedback, settings);
        SingleOutputStreamOperator<LoopItem> paired = paired(impressions, attributed, settings);
        SingleOutputStreamOperator<LoopItem> guarded =
                guarded(attributed.filter(LoopJob::isWhole).union(paired), settings);
        SingleOutputStreamOperator<LoopItem> crowdGuarded = crowdGuarded(guarded, settings);
        SingleOutputStreamOperator<LoopItem> evaluated = evaluated(crowdGuarded, settings);
        SingleOutputStreamOperator<DeadLetter> refusedByDriver =
                driven(evaluated, settings);
        refusedByDriver
                .union(impressions.getSideOutput(DeadLetters.REFUSED),
                        feedback.getSideOutput(DeadLetters.REFUSED),
                        attributed.getSideOutput(DeadLetters.REFUSED),
                        paired.getSideOutput(DeadLetters.REFUSED),
                        guarded.getSideOutput(DeadLetters.REFUSED),
                        crowdGuarded.getSideOutput(DeadLetters.REFUSED),
                        evaluated.getSideOutput(DeadLetters.REFUSED))
                .sinkTo(sink(settings, new DeadLetterSerializer()))
                .name(LoopMetrics.DEAD_LETTERS)
                .uid(LoopMetrics.DEAD_LETTERS);
    }

    private static SingleOutputStreamOperator<LoopItem> attributed(
            SingleOutputStreamOperator<Impression> impressions,
            SingleOutputStreamOperator<TakenFeedback> feedback,
            LoopSettings settings) {
        return named(
                AttributionStage.of(impressions, feedback,
                        new AttributionFunction(settings.attribution(),
                                settings.orphanTimeoutMax(), settings.guard(),
                                settings.tokenKeys(),
                                letters(LoopMetrics.ATTRIBUTION, settings))),
                LoopMetrics.ATTRIBUTION);
    }

    /** Whether an item needs no other answer than its own. */
    private static boolean isWhole(LoopItem item) {
        return item.getRejectedImpressionId().isEmpty();
    }

    private static SingleOutputStreamOperator<LoopItem> paired(
            SingleOutputStreamOperator<Impression> impressions,
            SingleOutputStreamOperator<LoopItem> attributed,
            LoopSettings settings) {
        SingleOutputStreamOperator<ComparedAnswer> answers = impressions.process(
                new ComparedAnswers(settings.attribution(), settings.guard(),
                        settings.tokenKeys()),
                MessageType.ofMessage(ComparedAnswer.class));
        return named(
                answers.connect(attributed.filter(item -> !isWhole(item)))
                        .keyBy(ComparedAnswer::getImpressionId, LoopItem::getRejectedImpressionId,
                                Types.STRING)
                        .process(new PairFunction(settings.attribution(),
                                settings.answerBytesMax(), letters(LoopMetrics.PAIRS, settings)),
                                MessageType.ofMessage(LoopItem.class)),
                LoopMetrics.PAIRS);
    }

    private static SingleOutputStreamOperator<LoopItem> guarded(
            DataStream<LoopItem> attributed, LoopSettings settings) {
        return named(
                attributed.keyBy(GuardFunction::keyOf, Types.STRING)
                        .process(new GuardFunction(settings.guard(), settings.usersRemembered(),
                                letters(LoopMetrics.GUARD, settings)),
                                MessageType.ofMessage(LoopItem.class)),
                LoopMetrics.GUARD);
    }

    private static SingleOutputStreamOperator<LoopItem> crowdGuarded(
            SingleOutputStreamOperator<LoopItem> guarded, LoopSettings settings) {
        return named(
                guarded.keyBy(LoopItem::getAdapter, Types.STRING)
                        .process(new CrowdFunction(settings.guard(), settings.usersRemembered(),
                                letters(LoopMetrics.CROWD_GUARD, settings)),
                                MessageType.ofMessage(LoopItem.class)),
                LoopMetrics.CROWD_GUARD);
    }

    /** By adapter like the stage before it, whose task it shares: no item travels again. */
    private static KeyedStream<LoopItem, String> stillByAdapter(
            SingleOutputStreamOperator<LoopItem> items) {
        return DataStreamUtils.reinterpretAsKeyedStream(items, LoopItem::getAdapter, Types.STRING);
    }

    private static SingleOutputStreamOperator<LoopItem> evaluated(
            SingleOutputStreamOperator<LoopItem> guarded, LoopSettings settings) {
        SingleOutputStreamOperator<LoopItem> evaluated = named(
                stillByAdapter(guarded)
                        .transform(LoopMetrics.EVALUATION, MessageType.ofMessage(LoopItem.class),
                                new EvaluationOperator(
                                        new EvaluationFunction(settings.evaluation(),
                                                letters(LoopMetrics.EVALUATION, settings)))),
                LoopMetrics.EVALUATION);
        evaluated.getSideOutput(EvaluationFunction.EVALUATED)
                .sinkTo(sink(settings, new EvaluationSerializer(settings.topics().evaluation())))
                .name(LoopMetrics.EVALUATIONS)
                .uid(LoopMetrics.EVALUATIONS)
                // In a task of its own: what waits for Kafka must not hold up rounds.
                .disableChaining();
        return evaluated;
    }

    private static SingleOutputStreamOperator<DeadLetter> driven(
            SingleOutputStreamOperator<LoopItem> evaluated, LoopSettings settings) {
        return named(
                stillByAdapter(evaluated)
                        .transform(LoopMetrics.ROUND_DRIVER,
                                MessageType.ofMessage(DeadLetter.class),
                                new RoundDriverFactory(settings.servers(), settings.rounds(),
                                        settings.guard(),
                                        letters(LoopMetrics.ROUND_DRIVER, settings))),
                LoopMetrics.ROUND_DRIVER);
    }

    private static SingleOutputStreamOperator<IntakeRecord> source(
            StreamExecutionEnvironment environment,
            LoopSettings settings,
            String topic,
            EventDeserializer deserializer,
            String name) {
        KafkaSource<IntakeRecord> source = KafkaSource.<IntakeRecord>builder()
                .setBootstrapServers(settings.brokers())
                .setTopics(topic)
                .setGroupId(GROUP)
                .setClientIdPrefix(name)
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(deserializer)
                // Offsets live in checkpoints alone; a group's would only be a second, later truth.
                .setProperty("commit.offsets.on.checkpoint", "false")
                .setProperty("enable.auto.commit", "false")
                .setProperty("reconnect.backoff.ms", "20")
                .setProperty("reconnect.backoff.max.ms", "500")
                .build();
        return environment.fromSource(source,
                NodeWatermarks.strategy(settings.outOfOrderness(), settings.nodeLease()),
                name, MessageType.ofMessage(IntakeRecord.class)).uid(name);
    }

    private static <T> KafkaSink<T> sink(LoopSettings settings,
            KafkaRecordSerializationSchema<T> serializer) {
        return KafkaSink.<T>builder()
                .setBootstrapServers(settings.brokers())
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setRecordSerializer(serializer)
                .setProperty("linger.ms", "1")
                .setProperty("acks", "all")
                .setProperty("max.request.size", Integer.toString(
                        DeadLetters.recordBytesMax(settings.reader().feedbackBytesMax())))
                .build();
    }

    private static DeadLetters letters(String stage, LoopSettings settings) {
        return new DeadLetters(stage, settings.topics().feedback(),
                settings.reader().feedbackBytesMax());
    }

    private static <T> SingleOutputStreamOperator<T> named(SingleOutputStreamOperator<T> operator,
            String name) {
        return operator.name(name).uid(name);
    }
}
