package dev.flywheel.app.lineage;

import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What a version was made of.
 *
 * @param round null of version 0, which none made
 * @param learned itself and its ancestors together
 * @param ancestors the nearest, newest first
 */
public record VersionReport(
        String adapter,
        long version,
        String digest,
        String createdAt,
        boolean head,
        List<String> aliases,
        @Nullable RoundReport round,
        Learned learned,
        List<Ancestor> ancestors) {
    public VersionReport {
        aliases = List.copyOf(aliases);
        ancestors = List.copyOf(ancestors);
    }

    public String text() {
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        lines.add("version %d of %s, %s, %s%s%s".formatted(version, adapter, digest, createdAt,
                head ? ", HEAD" : "",
                aliases.isEmpty() ? "" : ", " + String.join(", ", aliases)));
        if (round != null) {
            round.tell(lines);
        }
        lines.add("learned in all: " + learned);
        ancestors.forEach(ancestor -> lines.add("from " + ancestor));
        return lines.toString();
    }
}
