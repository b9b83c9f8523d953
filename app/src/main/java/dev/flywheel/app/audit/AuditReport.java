package dev.flywheel.app.audit;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where feedback ended (P3): {@code acknowledged = trained + quarantined + refused + pending + difference}, each measured.
 *
 * @param at when the count was complete, ISO 8601
 * @param acknowledged distinct (source, feedback id) in the feedback topic
 * @param trained events that stand in a committed manifest
 * @param quarantined events that stand in a rejected manifest, or in a committed one that could not train on them
 * @param refused events that ended as dead letters, by reason
 * @param pending events on their way; null if the job could not be asked
 * @param difference what no term accounts for, below 0 if something is counted twice; without {@code pending} all without an end
 * @param notFollowed events without an end that a bounded audit gave up; while there are any, nothing is said by the difference
 * @param duplicates what came more than once
 * @param adapters what stands in manifests, by adapter
 * @param oldestOpen the oldest events that the job has taken and not ended, at most ten
 */
public record AuditReport(
        String at,
        long acknowledged,
        long trained,
        long quarantined,
        SortedMap<String, Long> refused,
        @Nullable PendingTerms pending,
        long difference,
        long notFollowed,
        Duplicates duplicates,
        SortedMap<String, AdapterTerms> adapters,
        List<OpenEvent> oldestOpen) {
    public AuditReport {
        refused = Collections.unmodifiableSortedMap(new TreeMap<>(refused));
        adapters = Collections.unmodifiableSortedMap(new TreeMap<>(adapters));
        oldestOpen = List.copyOf(oldestOpen);
    }

    /** Whether every event ended in one place or is known to be on its way. */
    @JsonProperty
    public boolean balanced() {
        return pending != null && difference == 0 && notFollowed == 0
                && duplicates.inTwoManifests() == 0;
    }

    /** Returns how many ended refused, for whatever reason. */
    @JsonIgnore
    public long refusedInAll() {
        return refused.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Returns the terms alone; {@code pending} is -1 if it could not be measured. */
    @JsonIgnore
    public FeedbackFates fates() {
        return new FeedbackFates(acknowledged, trained, quarantined, new TreeMap<>(refused),
                pending == null ? -1 : pending.total(), duplicates.inTwoManifests());
    }

    /** Returns it for a person, a line for each term. */
    public String text() {
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        lines.add(line("acknowledged", acknowledged, ""));
        lines.add(line("trained", trained, ""));
        lines.add(line("quarantined", quarantined, ""));
        lines.add(line("refused", refusedInAll(), words(refused)));
        PendingTerms waiting = pending;
        lines.add(waiting == null ? "pending           unknown  the job does not tell"
                : line("pending", waiting.total(), words(waiting)));
        lines.add(line("difference", difference, balanced() ? "" : "  <- NOT BALANCED"));
        lines.add(words(duplicates));
        adapters.forEach((adapter, terms) -> lines.add(
                "%s: trained %d, quarantined %d, in open manifests %d".formatted(adapter,
                        terms.trained(), terms.quarantined(), terms.inOpenManifests())));
        if (difference != 0) {
            oldestOpen.forEach(event -> lines.add("no end: " + event));
        }
        return lines.toString();
    }

    private static String line(String term, long count, String note) {
        return String.format(Locale.ROOT, "%-12s %12d%s", term, count, note);
    }

    private static String words(SortedMap<String, Long> reasons) {
        StringJoiner words = new StringJoiner(", ", "  ", "").setEmptyValue("");
        reasons.forEach((reason, count) -> words.add(reason + " " + count));
        return words.toString();
    }

    private static String words(PendingTerms pending) {
        return "  in the topic %d, between stages %d, held by the job %d, in open manifests besides %d, ended meanwhile %d"
                .formatted(pending.inTopic(), pending.onTheWire(), pending.held(),
                        pending.notHeld(), pending.endedMeanwhile());
    }

    private static String words(Duplicates duplicates) {
        return "%d records: %d repeated, %d sent again, %d nobody's; %d dead letters; %d events in two manifests"
                .formatted(duplicates.records(), duplicates.repeated(), duplicates.sentAgain(),
                        duplicates.unnamed(), duplicates.letters(), duplicates.inTwoManifests());
    }
}
