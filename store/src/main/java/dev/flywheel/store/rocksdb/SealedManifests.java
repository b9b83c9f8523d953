package dev.flywheel.store.rocksdb;

import com.google.protobuf.ByteString;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.store.core.Fact;
import java.util.IdentityHashMap;
import java.util.Map;

/** The manifests that one batch claims, as bytes: sealed once, for no two seals are alike. Not thread-safe. */
final class SealedManifests {
    private final UserKeys keys;
    private final Map<Fact, byte[]> bytes = new IdentityHashMap<>();

    SealedManifests(Database db, Batch batch) {
        this.keys = new UserKeys(db, batch);
    }

    byte[] bytes(Fact.ManifestClaimed claimed) {
        return bytes.computeIfAbsent(claimed,
                unsealed -> ManifestSeal.seal(claimed.manifest(), keys).toByteArray());
    }

    /** Of the bytes that the fact's manifest is stored as; empty if it claims none. */
    ByteString digest(Fact fact) {
        return fact instanceof Fact.ManifestClaimed claimed
                ? ByteString.copyFrom(Digest.of(bytes(claimed)).raw())
                : ByteString.EMPTY;
    }
}
