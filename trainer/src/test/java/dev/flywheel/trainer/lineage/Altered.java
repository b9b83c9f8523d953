package dev.flywheel.trainer.lineage;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.VersionRecord;
import org.jspecify.annotations.Nullable;

/** A lineage of which a test changes something. */
class Altered implements LineageSource {
    private final LineageSource from;

    Altered(LineageSource from) {
        this.from = from;
    }

    @Override
    public @Nullable AdapterRecord adapter(String name) {
        return from.adapter(name);
    }

    @Override
    public @Nullable VersionRecord version(String adapter, long number) {
        return from.version(adapter, number);
    }

    @Override
    public @Nullable Manifest manifest(String adapter, long seq) {
        return from.manifest(adapter, seq);
    }

    @Override
    public byte @Nullable [] blob(String digest) {
        return from.blob(digest);
    }
}
