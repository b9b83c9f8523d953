package dev.flywheel.serving.freshness;

import dev.flywheel.api.v1.ExampleRecord;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * When the newest event behind a served version was given: the latest label that its round learned from, or its commit where what it
 * was made of is not kept, and of an adapter that has learned nothing. Asks once for each version. For one thread.
 */
public final class NewestEvents {
    private final LineageSource lineage;
    private final Map<String, Known> known = new HashMap<>();

    private record Known(String digest, long number, long newestMillis) {}

    public NewestEvents(LineageSource lineage) {
        this.lineage = lineage;
    }

    /** Returns the time in milliseconds since 1970; empty while the store does not tell it. */
    public Optional<Long> of(VersionRef version) {
        Known last = known.get(version.getAdapter());
        if (last == null || last.number() != version.getNumber()
                || !last.digest().equals(version.getDigest())) {
            Optional<Long> asked = ask(version);
            if (asked.isEmpty()) {
                return asked;
            }
            last = new Known(version.getDigest(), version.getNumber(), asked.get());
            known.put(version.getAdapter(), last);
        }
        return Optional.of(last.newestMillis());
    }

    /** Forgets all adapters but these. */
    public void keep(Set<String> adapters) {
        known.keySet().retainAll(adapters);
    }

    private Optional<Long> ask(VersionRef ref) {
        return lineage.version(ref.getAdapter(), ref.getNumber())
                .filter(VersionRecord::hasRef) // else it is gone
                .flatMap(this::newest);
    }

    private Optional<Long> newest(VersionRecord version) {
        long committed = version.getCreatedAtMillis();
        if (version.getManifestSeq() == 0) {
            return Optional.of(committed);
        }
        Optional<ManifestRecord> manifest =
                lineage.manifest(version.getRef().getAdapter(), version.getManifestSeq());
        return manifest.map(each -> each.getExamplesList()
                .stream()
                .mapToLong(ExampleRecord::getLabelledAtMillis)
                .max()
                .orElse(committed));
    }
}
