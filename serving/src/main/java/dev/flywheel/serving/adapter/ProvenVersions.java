package dev.flywheel.serving.adapter;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Versions whose probe was right on this node. A version never changes and its bytes are held against its digest each time they are
 * fetched, so what it computes need be proven once. Beyond so many the oldest are forgotten. Not thread-safe.
 */
final class ProvenVersions {
    private final Set<VersionKey> versions;

    ProvenVersions(int max) {
        this.versions = Collections.newSetFromMap(new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<VersionKey, Boolean> eldest) {
                return size() > max;
            }
        });
    }

    boolean contains(VersionKey key) {
        return versions.contains(key);
    }

    void add(VersionKey key) {
        versions.add(key);
    }
}
