package dev.flywheel.itest.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds what an expression names that a scrape does not have: metrics, labels, and values that are asked for as they stand. */
final class PromQlCheck {
    /** What Prometheus itself adds to every series. */
    private static final Set<String> OF_TARGETS = Set.of("instance", "job");
    private static final String UP = "up";

    private final Scrape scrape;

    PromQlCheck(Scrape scrape) {
        this.scrape = scrape;
    }

    /** Returns what is wrong, in words; nothing if the expression is sound. */
    List<String> problems(String expression) {
        List<String> found = new ArrayList<>();
        PromQl.Names names = PromQl.names(expression);
        for (PromQl.Selector selector : names.selectors()) {
            if (!selector.metric().equals(UP) && scrape.samples(selector.metric()).isEmpty()) {
                found.add("no metric " + selector.metric());
            } else {
                selector.matchers().forEach(each -> found.addAll(problems(selector, each)));
            }
        }
        names.groupings()
                .forEach(grouping -> grouping.labels()
                        .forEach(label -> grouping.selectors()
                                .stream()
                                .filter(each -> !has(each.metric(), label))
                                .forEach(each -> found
                                        .add(each.metric() + " has no label " + label))));
        return found;
    }

    /** Returns whether a metric has a label; of one that is not there nothing is said. */
    boolean has(String metric, String label) {
        return OF_TARGETS.contains(label) || scrape.samples(metric).isEmpty()
                || scrape.labelsOf(metric).containsKey(label);
    }

    private List<String> problems(PromQl.Selector selector, PromQl.Condition condition) {
        if (!has(selector.metric(), condition.label())) {
            return List.of(selector.metric() + " has no label " + condition.label());
        }
        Map<String, Set<String>> labels = scrape.labelsOf(selector.metric());
        if (condition.sign().equals("=") && !condition.value().contains("$")
                && !OF_TARGETS.contains(condition.label())
                && !labels.getOrDefault(condition.label(), Set.of()).contains(condition.value())) {
            return List.of(selector.metric() + " is never seen with " + condition.label() + " "
                    + condition.value());
        }
        return List.of();
    }
}
