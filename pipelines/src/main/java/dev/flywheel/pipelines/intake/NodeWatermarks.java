package dev.flywheel.pipelines.intake;

import dev.flywheel.api.v1.Heartbeat;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.feedback.time.PartitionTime;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;

/**
 * Makes a {@link PartitionTime} the watermark of its partition; Flink has a generator for each. What it knows is not in any
 * checkpoint: after a start it is learned anew within a heartbeat of each node.
 */
public final class NodeWatermarks implements WatermarkGenerator<IntakeRecord> {
    /** Nodes of one partition that are told apart. */
    private static final int NODES_MAX = 1_024;

    private final PartitionTime time;

    private NodeWatermarks(Duration outOfOrderness, Duration nodeLease) {
        time = new PartitionTime(outOfOrderness, nodeLease, NODES_MAX);
    }

    /** Returns the strategy that reads records' own time. */
    public static WatermarkStrategy<IntakeRecord> strategy(Duration outOfOrderness,
            Duration nodeLease) {
        return WatermarkStrategy
                .<IntakeRecord>forGenerator(
                        context -> new NodeWatermarks(outOfOrderness, nodeLease))
                .withTimestampAssigner((record, brokerMillis) -> record.getEventTimeMillis());
    }

    @Override
    public void onEvent(IntakeRecord record, long millis, WatermarkOutput output) {
        if (record.hasHeartbeat()) {
            Heartbeat beat = record.getHeartbeat();
            time.beat(beat.getNodeId(), millis, beat.getLast());
        } else if (record.hasImpression()) {
            time.answer(record.getImpression().getNodeId(), millis);
        } else {
            time.event(millis);
        }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
        long reached = time.reached();
        if (reached != PartitionTime.NONE) {
            output.emitWatermark(new Watermark(reached));
        }
    }
}
