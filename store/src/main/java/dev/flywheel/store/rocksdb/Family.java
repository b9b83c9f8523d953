package dev.flywheel.store.rocksdb;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The column families. Their names and keys are the disk format: a change raises {@link FormatFile#CURRENT}. */
enum Family {
    /** RocksDB insists on it; holds nothing. */
    DEFAULT(Shape.RECORDS),
    /** {@code tip} → last commit and its hash; {@code marked} → nothing, once there is a {@link HighWaterFile}; {@code erased:} and the
     * id of a deleted key → nothing, while its bytes may be in files; {@code expired:}, the id of a user's key, adapter and seq →
     * nothing, where a manifest that is not kept any more held something of the user. */
    META(Shape.RECORDS),
    /** commit → LogEntry. */
    LOG(Shape.RECORDS),
    /** adapter → SavedAdapter. */
    ADAPTERS(Shape.RECORDS),
    /** adapter, number → VersionRecord. */
    VERSIONS(Shape.RECORDS),
    /** adapter, seq → SavedManifest, or Manifest as releases before format 2 wrote it. */
    MANIFESTS(Shape.BLOBS),
    /** adapter, seq → SavedManifestEntry. */
    ENTRIES(Shape.RECORDS),
    /** example id, or digest of a feedback key → adapter, seq. */
    CLAIMS(Shape.LOOKUPS),
    /** tombstone → nothing. */
    TOMBSTONES(Shape.LOOKUPS),
    /** adapter, sequence → AuditEntry. */
    AUDIT(Shape.RECORDS),
    /** digest → bytes. */
    BLOBS(Shape.BLOBS),
    /** digest → when it was uploaded last. */
    UPLOADS(Shape.RECORDS),
    /** digest, adapter, version → nothing. */
    REFERENCES(Shape.RECORDS),
    /** digest of a user's tombstone → the key that what the user said is sealed with; nothing once it was deleted. */
    KEYS(Shape.RECORDS);

    /** How a family is used, which sets its options. */
    enum Shape {
        /** Small values, mostly read in order. */
        RECORDS,
        /** Point lookups that mostly find nothing: filters. */
        LOOKUPS,
        /** Large values: kept in files of their own, so that compaction does not copy them. */
        BLOBS
    }

    private final Shape shape;

    Family(Shape shape) {
        this.shape = shape;
    }

    Shape shape() {
        return shape;
    }

    byte[] columnName() {
        return name().toLowerCase(Locale.ROOT).getBytes(StandardCharsets.UTF_8);
    }
}
