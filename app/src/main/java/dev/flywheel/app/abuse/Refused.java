package dev.flywheel.app.abuse;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/**
 * How a call ended.
 *
 * @param text what it said
 */
record Refused(Status.Code code, String text, double millis) {
    static Refused of(Arena arena, Runnable call) {
        long start = arena.now();
        Status status = Status.OK;
        try {
            call.run();
        } catch (StatusRuntimeException refused) {
            status = refused.getStatus();
        }
        return new Refused(status.getCode(), String.valueOf(status.getDescription()),
                (arena.now() - start) / 1e6);
    }
}
