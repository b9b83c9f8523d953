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
 *
 * <p>No partition of either topic is read much further than the others. What is read ahead has to be held, and would be refused
 * where there is no room for it, or be counted in windows that lie ahead. That matters after the job has stood still, and where
 * one topic's writers have: live, all partitions are within some heartbeats of one another, and none is ever paused. Flink pauses
 * one that has been ahead for some updates, by what its watermark was then: so much more is read of it, and time that leaps
 * everywhere at once, as in simulations, pauses nothing.
 */
public final class NodeWatermarks implements WatermarkGenerator<IntakeRecord> {
    /** Nodes of one partition that are told apart. */
    private static final int NODES_MAX = 1_024;

    /** Both sources are in it. */
    private static final String ALIGNED = "events";

    /** How far a partition may be ahead; never less than a dead node is waited for. */
    private static final Duration AHEAD_MAX = Duration.ofSeconds(30);

    private static final Duration ALIGNMENT_UPDATE = Duration.ofMillis(50);

    private final PartitionTime time;

    private NodeWatermarks(Duration outOfOrderness, Duration nodeLease) {
        time = new PartitionTime(outOfOrderness, nodeLease, NODES_MAX);
    }

    /** Returns the strategy that reads records' own time; those of one job keep step with each other. */
    public static WatermarkStrategy<IntakeRecord> strategy(Duration outOfOrderness,
            Duration nodeLease) {
        Duration aheadMax = nodeLease.compareTo(AHEAD_MAX) > 0 ? nodeLease : AHEAD_MAX;
        return WatermarkStrategy
                .<IntakeRecord>forGenerator(
                        context -> new NodeWatermarks(outOfOrderness, nodeLease))
                .withTimestampAssigner((record, brokerMillis) -> record.getEventTimeMillis())
                .withWatermarkAlignment(ALIGNED, aheadMax, ALIGNMENT_UPDATE);
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
