package dev.flywheel.app.local;

import java.util.Map;

/**
 * What the job has come to so far.
 *
 * @param refused events that were refused or ignored since the job was started last, by reason
 * @param deadLetters records ever written into each dead-letter topic, by what they were
 * @param checkpoint number of the newest complete checkpoint, 0 if there is none
 */
record JobOutcomes(Map<String, Long> refused, Map<String, Long> deadLetters, long checkpoint) {
    static final JobOutcomes NOTHING = new JobOutcomes(Map.of(), Map.of(), 0);

    JobOutcomes {
        refused = Map.copyOf(refused);
        deadLetters = Map.copyOf(deadLetters);
    }
}
