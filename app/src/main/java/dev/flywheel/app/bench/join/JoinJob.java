package dev.flywheel.app.bench.join;

import dev.flywheel.api.v1.DeadLetter;
import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.feedback.event.EventSchema;
import dev.flywheel.feedback.guard.GuardProfile;
import dev.flywheel.feedback.guard.GuardProfiles;
import dev.flywheel.feedback.kafka.Topics;
import dev.flywheel.pipelines.CheckpointTimes;
import dev.flywheel.pipelines.FlinkSettings;
import dev.flywheel.pipelines.intake.DeadLetters;
import dev.flywheel.pipelines.intake.IntakeFunction;
import dev.flywheel.pipelines.message.MessageType;
import dev.flywheel.pipelines.metric.LoopMetrics;
import dev.flywheel.pipelines.stage.AttributionFunction;
import dev.flywheel.pipelines.stage.AttributionStage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.source.legacy.RichParallelSourceFunction;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.util.Collector;

/**
 * The loop's job from intake to attribution: records that are there already in, examples and refusals out and counted. The
 * operators between are the loop's own.
 */
final class JoinJob {
    /** The runs of this process by number: Flink writes out the functions of a job, and what they count into cannot be. */
    private static final Map<Integer, Run> RUNS = new ConcurrentHashMap<>();

    /** What a job reads and counts into. */
    private record Run(JoinStream stream, JoinTally tally) {}

    private JoinJob() {}

    /** Runs the stream through the job and returns when all of it has come out. */
    static void run(int number, JoinSettings settings, JoinStream stream, Path keys, Path scratch,
            JoinTally tally) throws Exception {
        RUNS.put(number, new Run(stream, tally));
        try {
            StreamExecutionEnvironment environment = StreamExecutionEnvironment
                    .createLocalEnvironment(settings.parallelism(),
                            configuration(settings, scratch));
            build(environment, number, keys);
            environment.execute("join");
        } finally {
            RUNS.remove(number);
        }
    }

    private static Configuration configuration(JoinSettings settings, Path scratch) {
        Configuration c = FlinkSettings.local(scratch.resolve("checkpoints"), scratch,
                new CheckpointTimes(Duration.ofSeconds(10), Duration.ofMinutes(10)));
        c.setString("state.backend.type", settings.state().backend());
        c.setString("restart-strategy.type", "none");
        c.setString("taskmanager.memory.managed.size", "512mb");
        return c;
    }

    private static void build(StreamExecutionEnvironment environment, int number, Path keys) {
        String topic = new Topics("bench").feedback();
        DeadLetters letters = new DeadLetters(LoopMetrics.ATTRIBUTION, topic,
                EventSchema.FEEDBACK_BYTES_DEFAULT);
        SingleOutputStreamOperator<IntakeRecord> records = environment.addSource(
                new Records(number), "records", MessageType.ofMessage(IntakeRecord.class));
        SingleOutputStreamOperator<Impression> impressions = records
                .process(IntakeFunction.impressions(), MessageType.ofMessage(Impression.class));
        SingleOutputStreamOperator<TakenFeedback> feedback = records
                .process(IntakeFunction.feedback(), MessageType.ofMessage(TakenFeedback.class));
        SingleOutputStreamOperator<LoopItem> attributed = AttributionStage.of(impressions, feedback,
                new AttributionFunction(JoinSettings.WINDOWS, JoinSettings.WINDOWS.orphanTimeout(),
                        GuardProfiles.of(GuardProfile.TRUSTED_STREAM), keys, letters));
        attributed.process(new Emitted(number), Types.INT).sinkTo(new DiscardingSink<>());
        attributed.getSideOutput(DeadLetters.REFUSED)
                .process(new Refused(number), Types.INT)
                .sinkTo(new DiscardingSink<>());
    }

    private static Run of(int number) {
        return Objects.requireNonNull(RUNS.get(number), "a job's run");
    }

    /** Reads one partition, as fast as the job takes it. */
    private static final class Records extends RichParallelSourceFunction<IntakeRecord> {
        private static final long serialVersionUID = 1L;
        /** In life every 50 ms, which is more records than this. */
        private static final int RECORDS_PER_WATERMARK = 1_000;

        private final int number;
        private volatile boolean cancelled;

        Records(int number) {
            this.number = number;
        }

        @Override
        public void run(SourceContext<IntakeRecord> context) {
            Run run = of(number);
            List<IntakeRecord> records = run.stream()
                    .partitions()
                    .get(getRuntimeContext().getTaskInfo().getIndexOfThisSubtask());
            run.tally().begin(System.nanoTime());
            long newest = Long.MIN_VALUE;
            for (int i = 0; i < records.size() && !cancelled; i++) {
                IntakeRecord record = records.get(i);
                newest = Math.max(newest, record.getEventTimeMillis());
                context.collectWithTimestamp(record, record.getEventTimeMillis());
                if (i % RECORDS_PER_WATERMARK == RECORDS_PER_WATERMARK - 1) {
                    context.emitWatermark(new Watermark(
                            newest - JoinSettings.OUT_OF_ORDERNESS.toMillis() - 1));
                }
            }
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }

    /** Counts what comes out, and when the last of it did. */
    private abstract static class Counted<T> extends ProcessFunction<T, Integer> {
        private static final long serialVersionUID = 1L;

        private final int number;

        Counted(int number) {
            this.number = number;
        }

        abstract void count(T item, JoinTally tally);

        @Override
        public void processElement(T item, Context context, Collector<Integer> out) {
            count(item, of(number).tally());
        }

        @Override
        public void close() {
            Run run = RUNS.get(number);
            if (run != null) {
                run.tally().end(System.nanoTime());
            }
        }
    }

    private static final class Emitted extends Counted<LoopItem> {
        private static final long serialVersionUID = 1L;

        Emitted(int number) {
            super(number);
        }

        @Override
        void count(LoopItem item, JoinTally tally) {
            tally.emitted(item);
        }
    }

    private static final class Refused extends Counted<DeadLetter> {
        private static final long serialVersionUID = 1L;

        Refused(int number) {
            super(number);
        }

        @Override
        void count(DeadLetter letter, JoinTally tally) {
            tally.refused(letter);
        }
    }
}
