package dev.flywheel.app.load;

import dev.flywheel.api.v1.VersionRef;
import io.grpc.Status;
import java.util.List;

/**
 * How a request ended.
 *
 * @param version who answered; the default instance if nobody did
 * @param mixed whether more than one version answered
 * @param tokens all that came
 * @param firstNanos from when it was due to its first token; 0 without any
 * @param arrivals when each reply with tokens came, on the clock of whoever asked
 */
public record Answered(
        Question question,
        VersionRef version,
        boolean mixed,
        List<Integer> tokens,
        Status status,
        long firstNanos,
        List<Long> arrivals) {
    public Answered {
        tokens = List.copyOf(tokens);
        arrivals = List.copyOf(arrivals);
    }
}
