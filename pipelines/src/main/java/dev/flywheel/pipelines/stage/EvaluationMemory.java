package dev.flywheel.pipelines.stage;

import com.google.protobuf.MessageLite;
import dev.flywheel.api.v1.DelayState;
import dev.flywheel.api.v1.EvaluationCell;
import dev.flywheel.api.v1.EvaluationState;
import dev.flywheel.api.v1.JudgedImpression;
import dev.flywheel.api.v1.OpenWindow;
import dev.flywheel.feedback.evaluation.CellKey;
import dev.flywheel.feedback.evaluation.Memory;
import dev.flywheel.pipelines.message.MessageType;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.jspecify.annotations.Nullable;

/**
 * The memory of the adapter that is Flink's current key. Answers are forgotten when nothing can come of them any more, figures
 * when no answer that is remembered counts in them; the oldest go first, and sooner where room is short.
 */
final class EvaluationMemory implements Memory {
    /** State that every adapter has of which anything is known. */
    static final String KNOWN = "counts";

    /** What an entry costs besides its bytes: its keys, its objects. */
    private static final int ENTRY_BYTES = 400;

    /** What an adapter costs besides its entries. */
    private static final int ADAPTER_BYTES = 2_000;

    private final EvaluationLimits limits;
    private final MapState<String, EvaluationCell> cells;
    private final MapState<Long, String> cellOrder;
    private final MapState<String, JudgedImpression> impressions;
    private final MapState<Long, String> impressionOrder;
    private final MapState<String, Boolean> changed;
    private final MapState<Long, OpenWindow> open;
    private final MapState<String, DelayState> delays;
    private final ValueState<EvaluationState> counts;
    private long newWake;

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
        open = context.getMapState(new MapStateDescriptor<>("open", Types.LONG,
                MessageType.ofMessage(OpenWindow.class)));
        delays = context.getMapState(new MapStateDescriptor<>("delays", Types.STRING,
                MessageType.ofMessage(DelayState.class)));
        counts = context.getState(new ValueStateDescriptor<>(KNOWN,
                MessageType.ofMessage(EvaluationState.class)));
    }

    // What is known.

    @Override
    public @Nullable EvaluationCell cell(CellKey key) throws Exception {
        return cells.get(nameOf(key));
    }

    @Override
    public boolean forgot(CellKey key) throws Exception {
        EvaluationState now = counts();
        return now.hasForgottenMillis() && key.beginsAtMillis() <= now.getForgottenMillis()
                && !cells.contains(nameOf(key));
    }

    @Override
    public @Nullable JudgedImpression impression(String impressionId) throws Exception {
        return impressions.get(impressionId);
    }

    @Override
    public boolean forgotServedAt(long millis) throws Exception {
        EvaluationState now = counts();
        return now.hasForgottenServedMillis() && millis <= now.getForgottenServedMillis();
    }

    @Nullable
    DelayState delay(String signal) throws Exception {
        return delays.get(signal);
    }

    /** About how much memory the adapter takes; 0: nothing is known of it. */
    long bytes() throws Exception {
        EvaluationState known = counts.value();
        return known == null ? 0 : known.getBytes();
    }

    private EvaluationState counts() throws Exception {
        EvaluationState known = counts.value();
        return known == null ? EvaluationState.newBuilder().setBytes(ADAPTER_BYTES).build() : known;
    }

    // What changes.

    @Override
    public void keep(String impressionId, JudgedImpression impression,
            Map<CellKey, EvaluationCell> changedCells) throws Exception {
        EvaluationState.Builder now = counts().toBuilder();
        JudgedImpression before = impressions.get(impressionId);
        long number = before == null ? now.getNextImpression() : before.getNumber();
        JudgedImpression after = impression.toBuilder().setNumber(number).build();
        if (before == null) {
            begin(impressionId, after, now);
        } else {
            grow(now, -bytesOf(before));
        }
        grow(now, bytesOf(after));
        impressions.put(impressionId, after);
        for (Map.Entry<CellKey, EvaluationCell> each : changedCells.entrySet()) {
            keep(each.getKey(), each.getValue(), number, now);
        }
        counts.update(now.build());
    }

    private void begin(String impressionId, JudgedImpression impression,
            EvaluationState.Builder now) throws Exception {
        impressionOrder.put(impression.getNumber(), impressionId);
        now.setNextImpression(impression.getNumber() + 1);
        if (now.getOldestImpression() == impression.getNumber()) {
            wakeBy(impression.getClosesAtMillis(), now);
        }
    }

    private void keep(CellKey key, EvaluationCell cell, long impression,
            EvaluationState.Builder now) throws Exception {
        String name = nameOf(key);
        EvaluationCell before = cells.get(name);
        if (before == null) {
            cellOrder.put(now.getNextCell(), name);
            now.setNextCell(now.getNextCell() + 1);
        } else {
            grow(now, -bytesOf(before));
        }
        EvaluationCell after = cell.toBuilder()
                .setNewestImpression(before == null ? impression
                        : Math.max(impression, before.getNewestImpression()))
                .build();
        grow(now, bytesOf(after));
        cells.put(name, after);
        changed.put(name, true);
        now.setNewestMillis(Math.max(now.getNewestMillis(), cell.getNewestMillis()));
    }

    void keep(String signal, DelayState after) throws Exception {
        DelayState before = delays.get(signal);
        EvaluationState.Builder now = counts().toBuilder();
        grow(now, bytesOf(after) - (before == null ? 0 : bytesOf(before)));
        counts.update(now.build());
        delays.put(signal, after);
    }

    private static void grow(EvaluationState.Builder now, long bytes) {
        now.setBytes(now.getBytes() + bytes);
    }

    /** The heap takes about twice what is written. */
    private static long bytesOf(MessageLite entry) {
        return ENTRY_BYTES + 2L * entry.getSerializedSize();
    }

    // What is told.

    /** A window in which a cell has changed is not over: it is asked for when it is. */
    void open(CellKey key) throws Exception {
        OpenWindow before = open.get(key.beginsAtMillis());
        OpenWindow.Builder window = before == null ? OpenWindow.newBuilder() : before.toBuilder();
        if (!window.getVersionsList().contains(key.version())) {
            open.put(key.beginsAtMillis(), window.addVersions(key.version()).build());
        }
    }

    /** Returns the cells of a window that is over, once. */
    Map<CellKey, EvaluationCell> close(long beginsAtMillis) throws Exception {
        Map<CellKey, EvaluationCell> found = new LinkedHashMap<>();
        OpenWindow window = open.get(beginsAtMillis);
        if (window != null) {
            open.remove(beginsAtMillis);
            for (long version : window.getVersionsList()) {
                CellKey key = new CellKey(version, beginsAtMillis);
                EvaluationCell cell = cell(key);
                if (cell != null) {
                    found.put(key, cell);
                }
            }
        }
        return found;
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

    boolean due() throws Exception {
        return counts().getDue();
    }

    void setDue(boolean due) throws Exception {
        if (counts.value() != null) {
            counts.update(counts().toBuilder().setDue(due).build());
        }
    }

    // What goes.

    /** Returns the event time at which to call {@link #expire}, if that is new since it was last asked; else 0. */
    long takeNewWake() {
        long wake = newWake;
        newWake = 0;
        return wake;
    }

    private void wakeBy(long millis, EvaluationState.Builder now) {
        long step = limits.window().toMillis();
        long at = Math.floorDiv(millis + step - 1, step) * step;
        if (now.getWakesAtMillis() == 0 || at < now.getWakesAtMillis()) {
            now.setWakesAtMillis(at);
            newWake = at;
        }
    }

    /**
     * Forgets what nothing that is still to come can change, once event time has come so far that there may be such.
     *
     * @param told takes cells that go before they could be told
     */
    void expire(long millis, BiConsumer<CellKey, EvaluationCell> told) throws Exception {
        EvaluationState known = counts.value();
        if (known == null || known.getWakesAtMillis() > millis) {
            return;
        }
        EvaluationState.Builder now = known.toBuilder().clearWakesAtMillis();
        while (hasImpressions(now) && oldestImpression(now).getClosesAtMillis() <= millis) {
            forgetOldestImpression(now);
        }
        while (hasCells(now) && isSettled(now) && goesAt(oldestCell(now)) <= millis) {
            forgetOldestCell(now, told);
        }
        long next = next(now);
        if (next <= millis) {
            forget();
        } else {
            wakeBy(next, now);
            counts.update(now.build());
        }
    }

    private long next(EvaluationState.Builder now) throws Exception {
        if (hasImpressions(now)) {
            return oldestImpression(now).getClosesAtMillis();
        }
        return hasCells(now) ? goesAt(oldestCell(now))
                : now.getNewestMillis() + limits.idle().toMillis();
    }

    /** Makes room by what is oldest, be it needed or not. */
    void forgetOldest(long nowMillis, BiConsumer<CellKey, EvaluationCell> told) throws Exception {
        EvaluationState.Builder now = counts().toBuilder();
        if (hasCells(now) && (!hasImpressions(now)
                || isSettled(now) && closesAt(oldestCell(now)) <= nowMillis)) {
            forgetOldestCell(now, told);
        } else if (hasImpressions(now)) {
            forgetOldestImpression(now);
        } else if (!delays.isEmpty()) {
            forgetDelays(now);
        } else {
            forget();
            return;
        }
        counts.update(now.build());
    }

    private void forgetDelays(EvaluationState.Builder now) throws Exception {
        for (DelayState each : delays.values()) {
            grow(now, -bytesOf(each));
        }
        delays.clear();
    }

    private void forget() {
        cells.clear();
        cellOrder.clear();
        impressions.clear();
        impressionOrder.clear();
        changed.clear();
        open.clear();
        delays.clear();
        counts.clear();
    }

    private static boolean hasImpressions(EvaluationState.Builder now) {
        return now.getOldestImpression() < now.getNextImpression();
    }

    private JudgedImpression oldestImpression(EvaluationState.Builder now) throws Exception {
        return impressions.get(impressionOrder.get(now.getOldestImpression()));
    }

    private void forgetOldestImpression(EvaluationState.Builder now) throws Exception {
        JudgedImpression oldest = oldestImpression(now);
        impressions.remove(impressionOrder.get(now.getOldestImpression()));
        impressionOrder.remove(now.getOldestImpression());
        grow(now, -bytesOf(oldest));
        now.setOldestImpression(now.getOldestImpression() + 1)
                .setForgottenServedMillis(now.hasForgottenServedMillis()
                        ? Math.max(oldest.getServedAtMillis(), now.getForgottenServedMillis())
                        : oldest.getServedAtMillis());
    }

    private static boolean hasCells(EvaluationState.Builder now) {
        return now.getOldestCell() < now.getNextCell();
    }

    private CellKey oldestCell(EvaluationState.Builder now) throws Exception {
        return keyOf(cellOrder.get(now.getOldestCell()));
    }

    /** Whether no answer that is remembered counts in the oldest cell. */
    private boolean isSettled(EvaluationState.Builder now) throws Exception {
        return cells.get(cellOrder.get(now.getOldestCell())).getNewestImpression() < now
                .getOldestImpression();
    }

    private long closesAt(CellKey cell) {
        return cell.beginsAtMillis() + limits.window().toMillis();
    }

    private long goesAt(CellKey cell) {
        return closesAt(cell) + limits.latest().toMillis();
    }

    private void forgetOldestCell(EvaluationState.Builder now,
            BiConsumer<CellKey, EvaluationCell> told) throws Exception {
        String name = cellOrder.get(now.getOldestCell());
        EvaluationCell oldest = cells.get(name);
        cellOrder.remove(now.getOldestCell());
        cells.remove(name);
        grow(now, -bytesOf(oldest));
        if (changed.contains(name)) {
            changed.remove(name);
            told.accept(keyOf(name), oldest);
        }
        long begins = keyOf(name).beginsAtMillis();
        now.setOldestCell(now.getOldestCell() + 1)
                .setForgottenMillis(now.hasForgottenMillis()
                        ? Math.max(begins, now.getForgottenMillis())
                        : begins);
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
