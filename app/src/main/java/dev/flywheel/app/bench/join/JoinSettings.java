package dev.flywheel.app.bench.join;

import dev.flywheel.feedback.attribution.AttributionSettings;
import java.time.Duration;

/**
 * What is run.
 *
 * @param state where attribution keeps its state
 * @param impressions answers that are made up; a bit less than half as many feedback events come with them
 * @param runs measured runs, after one whose every event is checked
 * @param parallelism subtasks of the source and of attribution
 * @param seed fixes every event
 */
public record JoinSettings(
        StateKind state,
        int impressions,
        int runs,
        int parallelism,
        long seed) {
    /** Answers in a second of event time. */
    static final int IMPRESSIONS_PER_SECOND = 1_000;

    static final Duration OUT_OF_ORDERNESS = Duration.ofSeconds(2);

    /** As much shorter than in life as there are more answers a second here: what is remembered at once is what counts. */
    static final AttributionSettings WINDOWS = AttributionSettings.of(
            Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofSeconds(30));
}
