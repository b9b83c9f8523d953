package dev.flywheel.app.load;

import java.util.List;
import java.util.Map;

/**
 * What was measured.
 *
 * @param sent requests
 * @param answered whole answers
 * @param good those within both targets
 * @param goodPerSecond of the time in which requests were sent
 * @param tokensPerSecond the same of all tokens
 * @param errors calls that failed, by gRPC status
 * @param firstTokenMillis from when a request was due to its first token
 * @param gapMillis between tokens
 * @param answerMillis from when a request was due to its end
 * @param firstTokenMicros each of the first tokens, in the order in which answers ended
 */
public record LoadFigures(
        long sent,
        long answered,
        long good,
        double goodPerSecond,
        double tokensPerSecond,
        Map<String, Long> errors,
        Percentiles firstTokenMillis,
        Percentiles gapMillis,
        Percentiles answerMillis,
        List<Long> firstTokenMicros) {}
