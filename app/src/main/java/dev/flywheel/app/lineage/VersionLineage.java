package dev.flywheel.app.lineage;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ManifestRecord;
import dev.flywheel.api.v1.VersionRecord;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads from the registry what versions were made of. */
public final class VersionLineage {
    private final StoreClient store;
    private final int ancestorsMax;

    /** @param ancestorsMax so many ancestors are told one by one */
    public VersionLineage(StoreClient store, int ancestorsMax) {
        this.store = store;
        this.ancestorsMax = ancestorsMax;
    }

    /** Tells of a version, also of a deleted adapter's. */
    public VersionReport of(String adapter, long number) {
        VersionRecord version = store.getVersion(adapter, number);
        Chain chain = Chain.of(store, adapter, number);
        return new VersionReport(adapter, number, version.getRef().getDigest(),
                Instant.ofEpochMilli(version.getCreatedAtMillis()).toString(),
                isHead(adapter, number), aliases(adapter, number), round(version, chain),
                chain.learned(), ancestors(adapter, version));
    }

    /** What a version and its ancestors learned. */
    Learned learned(String adapter, long number) {
        return Chain.of(store, adapter, number).learned();
    }

    private boolean isHead(String adapter, long number) {
        return store.listAllAdapters()
                .stream()
                .filter(each -> each.getName().equals(adapter))
                .mapToLong(AdapterRecord::getHead)
                .anyMatch(head -> head == number);
    }

    private List<String> aliases(String adapter, long number) {
        return store.listAliases(adapter)
                .stream()
                .filter(alias -> alias.getVersion() == number)
                .map(AliasRecord::getAlias)
                .toList();
    }

    private @Nullable RoundReport round(VersionRecord version, Chain chain) {
        if (version.getManifestSeq() == 0) {
            return null;
        }
        String adapter = version.getRef().getAdapter();
        ManifestRecord manifest = store.getManifestRecord(adapter, version.getManifestSeq());
        ManifestRecord before = chain.links().size() < 2 ? null
                : store.getManifestRecord(adapter, chain.links().get(1).seq());
        return RoundReport.of(manifest, before == null ? null : before.getSettings(),
                chain.failed());
    }

    /** The nearest ancestors, newest first. */
    List<Ancestor> ancestors(String adapter, VersionRecord of) {
        List<Ancestor> ancestors = new ArrayList<>();
        VersionRecord version = of;
        while (version.getRef().getNumber() > 0 && ancestors.size() < ancestorsMax) {
            version = store.getVersion(adapter, version.getParent());
            ancestors.add(Ancestor.of(version));
        }
        return ancestors;
    }
}
