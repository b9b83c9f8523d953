package dev.flywheel.app.load;

import java.time.Duration;
import java.util.List;

/**
 * What is asked, and how often.
 *
 * @param perSecond requests a second, on average
 * @param duration for how long requests are sent
 * @param adapters whom to ask, the most popular first; an empty name is the bare base model
 * @param alpha exponent of the adapters' popularity
 * @param prompts how many different prompts there are
 * @param promptWords words of each
 * @param tokensMax most tokens of an answer
 * @param deadline of each request
 * @param firstTokenTarget an answer whose first token comes later is not good
 * @param gapTarget an answer whose tokens come further apart than that, on average, is not good
 * @param checksMax most answers that are asked for again, of the version that gave them
 * @param seed fixes all of it but the time that answers take
 */
public record LoadSettings(
        double perSecond,
        Duration duration,
        ArrivalPattern pattern,
        List<String> adapters,
        double alpha,
        int prompts,
        int promptWords,
        int tokensMax,
        Duration deadline,
        Duration firstTokenTarget,
        Duration gapTarget,
        int checksMax,
        long seed) {
    public LoadSettings {
        adapters = List.copyOf(adapters);
    }
}
