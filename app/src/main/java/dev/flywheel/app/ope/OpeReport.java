package dev.flywheel.app.ope;

import dev.flywheel.feedback.ope.Estimate;
import dev.flywheel.feedback.ope.Estimates;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a policy would have earned, for people and as JSON.
 *
 * @param passedOver decisions that were passed over, by reason
 */
public record OpeReport(String policy, Estimates estimates, Map<String, Long> passedOver) {

    /** Returns it as lines of text. */
    public String text() {
        return String.join(System.lineSeparator(),
                String.format(Locale.ROOT,
                        "policy %s, reward for each decision; the log's own: %.7f", policy,
                        estimates.logged()),
                line("IPS", estimates.ips()),
                line("SNIPS", estimates.snips()),
                line("DR", estimates.dr()),
                line("SNDR", estimates.sndr()),
                String.format(Locale.ROOT,
                        "%,d decisions, as good as %.1f of the policy's own; mean weight %.3f, largest %.1f",
                        estimates.decisions(), estimates.effectiveSamples(),
                        estimates.weightMean(), estimates.weightMax()))
                + passedOver.entrySet()
                        .stream()
                        .map(each -> String.format(Locale.ROOT, "%npassed over: %,d, %s",
                                each.getValue(), each.getKey()))
                        .collect(Collectors.joining());
    }

    private static String line(String name, Estimate estimate) {
        return String.format(Locale.ROOT, "  %-6s %.7f  (95 %%: %.7f to %.7f)", name,
                estimate.value(), estimate.low(), estimate.high());
    }
}
