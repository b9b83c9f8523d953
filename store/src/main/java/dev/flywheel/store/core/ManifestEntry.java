package dev.flywheel.store.core;

import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ManifestSummary;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.RefusedExample;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the store knows of a manifest without reading its examples.
 *
 * @param requestDigest SHA-256 of the request that wrote it, by which a repeated request is recognised
 * @param refused the examples of that request which the manifest does not hold
 * @param outcome what ended it; null while it is open
 */
public record ManifestEntry(
        ManifestSummary summary,
        String requestDigest,
        List<RefusedExample> refused,
        @Nullable PutOutcomeRequest outcome) {

    public ManifestEntry {
        refused = List.copyOf(refused);
    }

    public boolean open() {
        return summary.getState() == ManifestState.MANIFEST_STATE_OPEN;
    }

    /** The same manifest after its end. */
    public ManifestEntry ended(Fact.ManifestEnded end) {
        ManifestSummary ended = summary.toBuilder()
                .setState(end.state())
                .setVersion(end.version())
                .addAllQuarantined(end.quarantined())
                .build();
        return new ManifestEntry(ended, requestDigest, refused, end.outcome());
    }
}
