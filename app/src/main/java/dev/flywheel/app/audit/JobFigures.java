package dev.flywheel.app.audit;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * What the loop's job says of feedback that it has taken and not ended yet.
 *
 * @param positions by partition of the feedback topic the offset of the next record that it takes
 * @param onTheWire events between two of its stages
 * @param held events in the stages' state, buffers and rounds in flight
 * @param asOfMillis when the oldest of the figures was read, by the job's clock
 */
public record JobFigures(
        Map<Integer, Long> positions,
        long onTheWire,
        long held,
        long asOfMillis) {
    public JobFigures {
        positions = Map.copyOf(positions);
    }

    /** Whoever can ask the job. */
    @FunctionalInterface
    public interface Source extends AutoCloseable {
        /** Returns its newest figures; empty while it does not report all of them, as in its first moments. */
        Optional<JobFigures> figures() throws IOException, InterruptedException;

        @Override
        default void close() {}
    }

    /** Events that it has taken and not ended. */
    long taken() {
        return onTheWire + held;
    }
}
