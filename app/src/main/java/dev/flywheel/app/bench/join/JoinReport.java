package dev.flywheel.app.bench.join;

import java.util.List;
import java.util.Map;

/**
 * What attribution alone does on this machine.
 *
 * @param cores of the machine
 * @param parallelism subtasks of the source and of attribution
 */
public record JoinReport(long seed, int cores, int parallelism, List<Figures> states) {

    public JoinReport {
        states = List.copyOf(states);
    }

    /** Whether each event counted once and every target was reached. */
    public boolean held() {
        return states.stream().allMatch(Figures::held);
    }

    /**
     * One kind of state.
     *
     * @param events records of a run: impressions and feedback
     * @param eventsPerSecond median of the runs
     * @param target what it has to reach
     * @param runs events a second of each measured run, in order
     * @param check of the run before them, event by event
     */
    public record Figures(
            StateKind state,
            long events,
            long eventsPerSecond,
            int target,
            List<Long> runs,
            Check check) {
        public Figures {
            runs = List.copyOf(runs);
        }

        public boolean held() {
            return eventsPerSecond >= target && check.problems().isEmpty();
        }
    }

    /**
     * What became of each event.
     *
     * @param joined events that became an example, all that had to
     * @param refused the others, by reason
     * @param repeated records of events that had come before
     * @param silent examples of silence
     * @param reordered records that were read after later ones
     * @param first impressions that came after feedback on them
     * @param problems what is not as it has to be; empty if everything is
     */
    public record Check(
            long joined,
            Map<String, Long> refused,
            long repeated,
            long silent,
            long reordered,
            long first,
            List<String> problems) {
        public Check {
            refused = Map.copyOf(refused);
            problems = List.copyOf(problems);
        }
    }
}
