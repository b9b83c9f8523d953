package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.Impression;
import dev.flywheel.api.v1.IntakeRecord;
import dev.flywheel.api.v1.LoopItem;
import dev.flywheel.api.v1.TakenFeedback;
import dev.flywheel.pipelines.intake.IntakeFunction;
import dev.flywheel.pipelines.message.MessageType;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/** Puts attribution behind both intakes: what came through either by impression, and the nodes' reports to every subtask. */
public final class AttributionStage {
    private AttributionStage() {}

    public static SingleOutputStreamOperator<LoopItem> of(
            SingleOutputStreamOperator<Impression> impressions,
            SingleOutputStreamOperator<TakenFeedback> feedback,
            AttributionFunction function) {
        MessageType<IntakeRecord> type = MessageType.ofMessage(IntakeRecord.class);
        return impressions.map(AttributionStage::record, type)
                .union(feedback.map(AttributionStage::record, type))
                .keyBy(AttributionStage::impressionId, Types.STRING)
                .connect(impressions.getSideOutput(IntakeFunction.REPORTS)
                        .union(feedback.getSideOutput(IntakeFunction.REPORTS))
                        .broadcast(AttributionFunction.REPORTS))
                .process(function, MessageType.ofMessage(LoopItem.class));
    }

    private static IntakeRecord record(Impression impression) {
        return IntakeRecord.newBuilder().setImpression(impression).build();
    }

    private static IntakeRecord record(TakenFeedback taken) {
        return IntakeRecord.newBuilder().setFeedback(taken).build();
    }

    static String impressionId(IntakeRecord record) {
        return record.hasImpression() ? record.getImpression().getImpressionId()
                : record.getFeedback().getEvent().getImpressionId();
    }
}
