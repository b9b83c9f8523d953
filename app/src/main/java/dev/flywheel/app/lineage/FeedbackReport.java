package dev.flywheel.app.lineage;

import java.util.List;
import java.util.StringJoiner;

/**
 * Where a feedback event ended.
 *
 * @param end {@code trained}, {@code quarantined}, {@code refused}, {@code pending}, or {@code unknown}: none of topics and store
 *        has it
 * @param adapter that it stands in a manifest of; empty if it stands in none
 * @param manifest its sequence number, 0 if it stands in none
 * @param version that learned it, 0 if none did
 * @param reason why it was refused or quarantined, or where it waits
 * @param detail what came and what was allowed, as the dead letter says
 * @param letter {@code partition:offset} of the dead letter, empty if there is none
 * @param records {@code partition:offset} of its records in the feedback topic, as far as that goes back
 * @param impression the answer it is about, as far as it is known
 */
public record FeedbackReport(
        String source,
        String feedbackId,
        String end,
        String adapter,
        long manifest,
        long version,
        String reason,
        String detail,
        String letter,
        List<String> records,
        String impression) {
    public FeedbackReport {
        records = List.copyOf(records);
    }

    public String text() {
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        lines.add("%s/%s: %s%s".formatted(source, feedbackId, end, where()));
        if (!detail.isEmpty()) {
            lines.add("  " + detail);
        }
        if (!impression.isEmpty()) {
            lines.add("  of answer " + impression);
        }
        if (!records.isEmpty()) {
            lines.add("  in the feedback topic at " + String.join(", ", records));
        }
        if (!letter.isEmpty()) {
            lines.add("  dead letter " + letter);
        }
        return lines.toString();
    }

    private String where() {
        String manifested = manifest == 0 ? ""
                : version == 0 ? ", manifest %d of %s".formatted(manifest, adapter)
                : ", version %d of %s (manifest %d)".formatted(version, adapter, manifest);
        return manifested + (reason.isEmpty() ? "" : ", " + reason);
    }
}
