package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.EvaluationState;
import dev.flywheel.api.v1.JudgedImpression;
import dev.flywheel.feedback.evaluation.CellKey;
import dev.flywheel.feedback.evaluation.Memory;
import dev.flywheel.pipelines.message.MessageType;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.jspecify.annotations.Nullable;

/** The memory of the adapter that is Flink's current key: so many cells and impressions, the oldest goes first. */
final class EvaluationMemory implements Memory {
    private final EvaluationLimits limits;
    private final MapState<String, EvaluationCell> cells;
    private final MapState<Long, String> cellOrder;
    private final MapState<String, JudgedImpression> impressions;
    private final MapState<Long, String> impressionOrder;
    private final MapState<String, Boolean> changed;
    private final ValueState<EvaluationState> counts;

    EvaluationMemory(RuntimeContext context, EvaluationLimits limits) {
        this.limits = limits;
        cells = context.getMapState(new MapStateDescriptor<>("cells", Types.STRING,
                MessageType.ofMessage(EvaluationCell.class)));
        cellOrder = context.getMapState(
                new MapStateDescriptor<>("cellOrder", Types.LONG, Types.STRING));
        impressions = context.getMapState(new MapStateDescriptor<>("impressions", Types.STRING,
                MessageType.ofMessage(JudgedImpression.class)));
        impressionOrder = context.getMapState(
                new MapStateDescriptor<>("impressionOrder", Types.LONG, Types.STRING));
        changed = context.getMapState(
                new MapStateDescriptor<>("changed", Types.STRING, Types.BOOLEAN));
        counts = context.getState(new ValueStateDescriptor<>("counts",
                MessageType.ofMessage(EvaluationState.class)));
    }

    @Override
    public @Nullable EvaluationCell cell(CellKey key) throws Exception {
        return cells.get(nameOf(key));
    }

    @Override
    public void put(CellKey key, EvaluationCell cell) throws Exception {
        String name = nameOf(key);
        if (!cells.contains(name)) {
            EvaluationState.Builder now = counts().toBuilder();
            if (now.hasForgottenMillis() && key.beginsAtMillis() <= now.getForgottenMillis()) {
                return;
            }
            cellOrder.put(now.getNextCell(), name);
            now.setNextCell(now.getNextCell() + 1);
            if (now.getNextCell() - now.getOldestCell() > limits.cellsMax()) {
                forgetOldestCell(now);
            }
            counts.update(now.build());
        }
        cells.put(name, cell);
        changed.put(name, true);
    }

    private void forgetOldestCell(EvaluationState.Builder now) throws Exception {
        String oldest = cellOrder.get(now.getOldestCell());
        cellOrder.remove(now.getOldestCell());
        cells.remove(oldest);
        changed.remove(oldest);
        long begins = keyOf(oldest).beginsAtMillis();
        now.setOldestCell(now.getOldestCell() + 1)
                .setForgottenMillis(now.hasForgottenMillis()
                        ? Math.max(begins, now.getForgottenMillis())
                        : begins);
    }

    @Override
    public @Nullable JudgedImpression impression(String impressionId) throws Exception {
        return impressions.get(impressionId);
    }

    @Override
    public void put(String impressionId, JudgedImpression impression) throws Exception {
        if (!impressions.contains(impressionId)) {
            EvaluationState.Builder now = counts().toBuilder();
            impressionOrder.put(now.getNextImpression(), impressionId);
            now.setNextImpression(now.getNextImpression() + 1);
            if (now.getNextImpression() - now.getOldestImpression() > limits.impressionsMax()) {
                impressions.remove(impressionOrder.get(now.getOldestImpression()));
                impressionOrder.remove(now.getOldestImpression());
                now.setOldestImpression(now.getOldestImpression() + 1);
            }
            counts.update(now.build());
        }
        impressions.put(impressionId, impression);
    }

    /** Returns the cells that have changed since this was last asked. */
    Map<CellKey, EvaluationCell> takeChanged() throws Exception {
        Map<CellKey, EvaluationCell> taken = new LinkedHashMap<>();
        for (String name : changed.keys()) {
            taken.put(keyOf(name), cells.get(name));
        }
        changed.clear();
        return taken;
    }

    /** Returns the cells of one window. */
    Map<CellKey, EvaluationCell> ofWindow(long beginsAtMillis) throws Exception {
        Map<CellKey, EvaluationCell> found = new LinkedHashMap<>();
        for (Map.Entry<String, EvaluationCell> each : cells.entries()) {
            CellKey key = keyOf(each.getKey());
            if (key.beginsAtMillis() == beginsAtMillis) {
                found.put(key, each.getValue());
            }
        }
        return found;
    }

    boolean due() throws Exception {
        return counts().getDue();
    }

    void setDue(boolean due) throws Exception {
        counts.update(counts().toBuilder().setDue(due).build());
    }

    private EvaluationState counts() throws Exception {
        EvaluationState known = counts.value();
        return known == null ? EvaluationState.getDefaultInstance() : known;
    }

    private static String nameOf(CellKey key) {
        return key.version() + "@" + key.beginsAtMillis();
    }

    private static CellKey keyOf(String name) {
        int at = name.indexOf('@');
        return new CellKey(Long.parseLong(name.substring(0, at)),
                Long.parseLong(name.substring(at + 1)));
    }
}
