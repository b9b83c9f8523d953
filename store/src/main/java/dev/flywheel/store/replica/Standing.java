package dev.flywheel.store.replica;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.VersionRecord;
import java.util.List;

/** What a node begins with: versions come before the aliases that name them. */
public record Standing(
        long commit,
        long atMillis,
        List<AdapterRecord> adapters,
        List<VersionRecord> versions,
        List<AliasRecord> aliases) {}
