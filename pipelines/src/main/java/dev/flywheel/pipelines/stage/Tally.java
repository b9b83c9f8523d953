package dev.flywheel.pipelines.stage;

import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * A sum over all keys of a subtask, which outlives a restart: with whatever parallelism it is restored, the parts add up to
 * what the keyed state holds. Written by the operator's thread, read by any.
 */
final class Tally {
    private final ListState<Long> parts;
    private volatile long sum;

    /** Restores the sum of that name. */
    Tally(OperatorStateStore store, String name) throws Exception {
        parts = store.getListState(new ListStateDescriptor<>(name, Types.LONG));
        long restored = 0;
        for (long part : parts.get()) {
            restored += part;
        }
        sum = restored;
    }

    long sum() {
        return sum;
    }

    void add(long more) {
        sum = sum + more; // one thread writes
    }

    void snapshot() throws Exception {
        parts.update(List.of(sum));
    }
}
