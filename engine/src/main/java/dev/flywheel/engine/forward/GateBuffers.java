package dev.flywheel.engine.forward;

import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.backend.Buffer;
import dev.flywheel.engine.backend.DType;

/**
 * What a gated feed-forward part computes for each row, F32.
 *
 * @param gate [rows, intermediate]
 * @param up [rows, intermediate]
 * @param activated [rows, intermediate]; may be {@code gate} where nothing is kept
 */
public record GateBuffers(Buffer gate, Buffer up, Buffer activated) {

    static GateBuffers allocate(Backend backend, long rows, int intermediate, boolean kept) {
        Buffer gate = backend.allocate(DType.F32, rows * intermediate);
        Buffer up = backend.allocate(DType.F32, rows * intermediate);
        Buffer activated = kept ? backend.allocate(DType.F32, rows * intermediate) : gate;
        return new GateBuffers(gate, up, activated);
    }

    void close() {
        gate.close();
        up.close();
        if (!activated.equals(gate)) {
            activated.close();
        }
    }
}
