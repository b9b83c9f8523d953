package dev.flywheel.app.lineage;

import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Which version gave an answer, and what that had learned by then.
 *
 * @param at {@code partition:offset} in the impression topic
 * @param adapter empty if the bare base answered
 * @param digest of the version's weights, as the answer names it
 * @param known whether the registry has that version with that digest
 * @param learned null if the bare base answered, or the registry does not have the version
 * @param chain the version and its nearest ancestors, newest first
 */
public record ImpressionReport(
        String impression,
        String at,
        String servedAt,
        String node,
        String kind,
        String adapter,
        long version,
        String digest,
        boolean known,
        @Nullable Learned learned,
        List<Ancestor> chain) {
    public ImpressionReport {
        chain = List.copyOf(chain);
    }

    public String text() {
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        lines.add("answer %s, %s, by node %s, served %s, at %s".formatted(impression, kind, node,
                servedAt, at));
        if (adapter.isEmpty()) {
            return lines.add("given by the bare base: it had learned nothing").toString();
        }
        lines.add("given by version %d of %s, %s%s".formatted(version, adapter, digest,
                known ? "" : ", WHICH THE REGISTRY DOES NOT HAVE WITH THIS DIGEST"));
        if (learned != null) {
            lines.add("which had learned: " + learned);
        }
        chain.forEach(ancestor -> lines.add("  " + ancestor));
        return lines.toString();
    }
}
