package dev.flywheel.app.chaos;

import dev.flywheel.app.audit.FeedbackFates;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What became of a cluster under faults.
 *
 * @param replay command that repeats the same faults
 * @param answers answers that clients got
 * @param acknowledged events that clients were told are taken
 * @param lost of these, those that ended nowhere
 * @param trainedTwice events that stand in two manifests that were committed or rejected
 * @param difference acknowledged less all that is accounted for
 * @param faults how often each was carried out
 * @param recovery from a kill to the next version, by member
 * @param violations what must not be
 * @param logErrors errors in the members' logs that no fault explains
 * @param logAllowed errors there that are expected under faults, by why
 */
public record ChaosReport(
        String replay,
        long seed,
        double seconds,
        int kills,
        long answers,
        long acknowledged,
        long lost,
        long trainedTwice,
        long difference,
        FeedbackFates fates,
        int versions,
        Map<String, Long> faults,
        Map<String, Recovery> recovery,
        List<String> violations,
        List<String> logErrors,
        Map<String, Long> logAllowed) {

    /** Whether every promise held. */
    public boolean held() {
        return violations.isEmpty();
    }

    /** Returns it for people. */
    public String text() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT,
                "%d kills in %,d acknowledged events, %.0f s, %,d versions%n", kills, acknowledged,
                seconds, versions));
        text.append(String.format(Locale.ROOT,
                "lost %d, trained twice %d, audit difference %d%n", lost, trainedTwice,
                difference));
        text.append("where they ended  ").append(fates).append('\n');
        text.append("faults  ").append(faults).append('\n');
        recovery.forEach((member, each) -> text.append(String.format(Locale.ROOT,
                "%-12s killed %3d times, next version after %.1f s (median), of a round claimed after it"
                        + " %.1f s, %.1f s at most; first that learned from feedback of after it, %.1f s%n",
                member, each.kills(), each.publishedMedianSeconds(), each.medianSeconds(),
                each.maxSeconds(), each.learnedMedianSeconds())));
        violations.forEach(each -> text.append("VIOLATED  ").append(each).append('\n'));
        text.append("replay  ").append(replay).append('\n');
        text.append(held() ? "every promise held" : "NOT every promise held");
        return text.toString();
    }
}
