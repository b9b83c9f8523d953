package dev.flywheel.pipelines.stage;

import dev.flywheel.api.v1.AttributionState;
import dev.flywheel.api.v1.TakenFeedback;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.Types;
import org.jspecify.annotations.Nullable;

/**
 * How much one subtask of attribution keeps, over all impressions. Written by its thread alone; figures may be read by any.
 *
 * <p>Whatever parallelism it is restored with, the parts add up to what is kept.
 */
final class AttributionMemory {
    /** What an entry costs besides its bytes: its key, its timer, its objects. */
    private static final int ENTRY_BYTES = 400;

    private static final int SHORT_FROM = 4;

    private final long rememberedMax;
    private final ListState<Long> heldState;
    private final ListState<Long> heldBytesState;
    private final ListState<Long> rememberedState;
    private volatile long held;
    private volatile long heldBytes;
    private volatile long remembered;

    AttributionMemory(OperatorStateStore store, long rememberedMax) throws Exception {
        this.rememberedMax = rememberedMax;
        heldState = store.getListState(new ListStateDescriptor<>("held", Types.LONG));
        heldBytesState = store.getListState(new ListStateDescriptor<>("heldBytes", Types.LONG));
        rememberedState =
                store.getListState(new ListStateDescriptor<>("rememberedBytes", Types.LONG));
        held = sum(heldState);
        heldBytes = sum(heldBytesState);
        remembered = sum(rememberedState);
    }

    private static long sum(ListState<Long> parts) throws Exception {
        long sum = 0;
        for (long part : parts.get()) {
            sum += part;
        }
        return sum;
    }

    void snapshot() throws Exception {
        heldState.update(List.of(held));
        heldBytesState.update(List.of(heldBytes));
        rememberedState.update(List.of(remembered));
    }

    /** An impression's state is to be another one. */
    void replaced(@Nullable AttributionState before, @Nullable AttributionState after) {
        held += heldOf(after) - heldOf(before);
        heldBytes += heldBytesOf(after) - heldBytesOf(before);
        remembered += bytesOf(after) - bytesOf(before);
    }

    /** Bytes of waiting events that a state adds to those of another. */
    static long moreHeld(@Nullable AttributionState before, @Nullable AttributionState after) {
        return heldBytesOf(after) - heldBytesOf(before);
    }

    /** Distinct events that wait. */
    long held() {
        return held;
    }

    /** Their bytes. */
    long heldBytes() {
        return heldBytes;
    }

    /** Bytes of all states. */
    long remembered() {
        return remembered;
    }

    /** Bytes that an impression may have to be remembered; below 0 if more is remembered than may be. */
    long room() {
        return rememberedMax - remembered - ENTRY_BYTES;
    }

    /** Whether so much is remembered that only the shortest windows are waited for. */
    boolean isShort() {
        return remembered > rememberedMax / SHORT_FROM;
    }

    private static int heldOf(@Nullable AttributionState state) {
        return state == null ? 0 : state.getHeldCount();
    }

    private static long heldBytesOf(@Nullable AttributionState state) {
        long bytes = 0;
        if (state != null) {
            for (TakenFeedback each : state.getHeldList()) {
                bytes += each.getSerializedSize();
            }
        }
        return bytes;
    }

    private static long bytesOf(@Nullable AttributionState state) {
        return state == null ? 0 : state.getSerializedSize() + ENTRY_BYTES;
    }
}
