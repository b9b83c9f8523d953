package dev.flywheel.app.load;

import java.util.List;
import java.util.Set;

/**
 * What a load came to.
 *
 * @param pattern how requests were spread over time
 * @param perSecond requests that were to come each second
 * @param adapters how many were asked
 * @param versions how many answered
 * @param checkedAgain answers that their own version gave again when it was asked alone
 * @param unchecked answers and versions that could not be asked for again
 * @param wrong answers of two versions, of a wrong digest, or with other tokens than their version gives
 * @param wrongShown the first of them
 */
public record LoadReport(
        long seed,
        String pattern,
        double perSecond,
        double seconds,
        int adapters,
        LoadFigures figures,
        long versions,
        long checkedAgain,
        long unchecked,
        long wrong,
        List<String> wrongShown) {
    /** What a node that has too much to do says, and what a client that has waited too long says. */
    private static final Set<String> HONEST = Set.of("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED");

    /** Whether no answer was wrong and no call failed but for want of room or time. */
    public boolean held() {
        return wrong == 0 && HONEST.containsAll(figures.errors().keySet());
    }
}
