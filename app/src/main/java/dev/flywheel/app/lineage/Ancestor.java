package dev.flywheel.app.lineage;

import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.VersionRecord;
import java.time.Instant;
import java.util.Locale;

/** A version in a chain. */
public record Ancestor(
        long version,
        String digest,
        long manifest,
        String createdAt,
        long examples,
        double lossBefore,
        double lossAfter,
        double deviceSeconds) {
    static Ancestor of(VersionRecord version) {
        RoundFigures figures = version.getFigures();
        return new Ancestor(version.getRef().getNumber(), version.getRef().getDigest(),
                version.getManifestSeq(),
                Instant.ofEpochMilli(version.getCreatedAtMillis()).toString(),
                figures.getExamples(), figures.getLossBefore(), figures.getLossAfter(),
                figures.getDeviceSeconds());
    }

    @Override
    public String toString() {
        return version == 0 ? "version 0, the start, %s".formatted(createdAt)
                : String.format(Locale.ROOT,
                        "version %d, manifest %d, %s: %d examples, loss %.4f -> %.4f, %.3f s",
                        version, manifest, createdAt, examples, lossBefore, lossAfter,
                        deviceSeconds);
    }
}
