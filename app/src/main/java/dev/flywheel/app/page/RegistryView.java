package dev.flywheel.app.page;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.RoundFigures;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.app.lineage.Ancestor;
import dev.flywheel.app.lineage.Learned;
import dev.flywheel.app.lineage.VersionLineage;
import dev.flywheel.app.lineage.VersionReport;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the page shows of adapters, by pages; asks the store, and for the list of adapters not more often than it has to. Thread-safe. */
public final class RegistryView {
    private static final int PAGE = 25;
    private static final int PAGE_MAX = 200;
    /** What the store lists of versions and of the audit, newest first. */
    private static final int LISTED_MAX = 1_000;
    private static final int OFFSET_MAX = 10_000_000;

    private final StoreClient store;
    private final long listAgeNanos;
    private final int ancestorsMax;
    private final LongSupplier nanos;
    private @Nullable Listing listing;

    /** Names as they were at some moment. */
    private record Listing(long nanos, List<String> names) {}

    /** A page of a list: {@code all} is how many there are, as far as they are listed. */
    record Paged<T>(long all, long offset, List<T> rows) {}

    /** An adapter with what points into it; {@code repair} is empty where nothing is repaired. */
    record Adapter(
            String name,
            String tenant,
            long head,
            long createdAtMillis,
            String repair,
            boolean deleted,
            Map<String, Long> aliases) {
        static Adapter of(AdapterRecord adapter, List<AliasRecord> aliases) {
            return new Adapter(adapter.getName(), adapter.getTenant(), adapter.getHead(),
                    adapter.getCreatedAtMillis(),
                    adapter.hasRepair() ? word(adapter.getRepair().getKind().name(),
                            "REPAIR_KIND_") : "",
                    adapter.getDeletedAtMillis() != 0,
                    aliases.stream()
                            .collect(Collectors.toMap(AliasRecord::getAlias,
                                    AliasRecord::getVersion, (one, other) -> one, TreeMap::new)));
        }
    }

    /** A version in a list. */
    record Version(
            long number,
            String digest,
            long parent,
            long manifest,
            String state,
            long createdAtMillis,
            boolean head,
            List<String> aliases,
            long examples,
            long users,
            double lossBefore,
            double lossAfter,
            double effect,
            double deviceSeconds) {}

    /** A version with the round that made it, null of version 0, and its ancestors; {@code aliases} are all of the adapter's. */
    record Lineage(
            long version,
            String digest,
            String createdAt,
            boolean head,
            @Nullable RoundFacts round,
            Learned learned,
            List<Ancestor> ancestors,
            Map<Long, List<String>> aliases) {
        static Lineage of(VersionReport told, Map<Long, List<String>> aliases) {
            return new Lineage(told.version(), told.digest(), told.createdAt(), told.head(),
                    RoundFacts.of(told.round()), told.learned(), told.ancestors(), aliases);
        }
    }

    /** What was done to an adapter. */
    record Deed(
            long sequence,
            long atMillis,
            String action,
            String alias,
            long from,
            long to,
            String actor,
            String reason,
            String changes) {}

    /**
     * @param listAge a list of adapters may be as old as this
     * @param ancestorsMax told of a version
     * @param nanos a monotonic clock
     */
    public RegistryView(StoreClient store, Duration listAge, int ancestorsMax, LongSupplier nanos) {
        this.store = store;
        this.listAgeNanos = listAge.toNanos();
        this.ancestorsMax = ancestorsMax;
        this.nanos = nanos;
    }

    private synchronized List<String> names() {
        Listing now = listing;
        if (now == null || nanos.getAsLong() - now.nanos() >= listAgeNanos) {
            now = new Listing(nanos.getAsLong(),
                    store.listAdapters().stream().map(AdapterRecord::getName).toList());
            listing = now;
        }
        return now.names();
    }

    /** Adapters whose name holds the query's {@code find}, by name; those of the page as they are now. */
    Paged<Adapter> adapters(Query query) {
        String find = query.text("find").strip().toLowerCase(Locale.ROOT);
        List<String> found = names().stream().filter(name -> name.contains(find)).toList();
        Paged<String> page = page(found, query);
        List<CompletableFuture<Adapter>> asked =
                page.rows().stream().map(this::adapter).toList();
        return new Paged<>(page.all(), page.offset(),
                asked.stream().map(RegistryView::await).toList());
    }

    private CompletableFuture<Adapter> adapter(String name) {
        return store.getAdapterAsync(name)
                .thenCombine(store.listAliasesAsync(name), Adapter::of);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException refused ? refused : e;
        }
    }

    /** An adapter's newest versions. */
    Paged<Version> versions(Query query) {
        String adapter = query.adapter();
        Map<Long, List<String>> aliases = aliases(adapter);
        long head = store.getAdapter(adapter).getHead();
        Paged<VersionRecord> page = page(store.listVersions(adapter, LISTED_MAX), query);
        return new Paged<>(page.all(), page.offset(), page.rows()
                .stream()
                .map(version -> version(version, head,
                        aliases.getOrDefault(version.getRef().getNumber(), List.of())))
                .toList());
    }

    private Map<Long, List<String>> aliases(String adapter) {
        return store.listAliases(adapter)
                .stream()
                .collect(Collectors.groupingBy(AliasRecord::getVersion,
                        Collectors.mapping(AliasRecord::getAlias, Collectors.toList())));
    }

    private static Version version(VersionRecord version, long head, List<String> aliases) {
        RoundFigures figures = version.getFigures();
        long number = version.getRef().getNumber();
        return new Version(number, version.getRef().getDigest(), version.getParent(),
                version.getManifestSeq(), word(version.getState().name(), "VERSION_STATE_"),
                version.getCreatedAtMillis(), number == head, aliases, figures.getExamples(),
                figures.getUsers(), figures.getLossBefore(), figures.getLossAfter(),
                figures.getEffect(), figures.getDeviceSeconds());
    }

    /** What a version was made of. */
    Lineage lineage(Query query) {
        String adapter = query.adapter();
        long version = query.whole("version", 0, Long.MAX_VALUE / 10, 0);
        return Lineage.of(new VersionLineage(store, ancestorsMax).of(adapter, version),
                aliases(adapter));
    }

    /** What was done to an adapter and its aliases, newest first. */
    Paged<Deed> trail(Query query) {
        Paged<AuditEntry> page = page(store.listAudit(query.adapter(), LISTED_MAX), query);
        return new Paged<>(page.all(), page.offset(),
                page.rows().stream().map(RegistryView::deed).toList());
    }

    private static Deed deed(AuditEntry entry) {
        String action = entry.getActionValue() == 0 ? "alias_moved"
                : word(entry.getAction().name(), "AUDIT_ACTION_");
        return new Deed(entry.getSequence(), entry.getAtMillis(), action, entry.getAlias(),
                entry.getFromVersion(), entry.getToVersion(), entry.getActor(), entry.getReason(),
                entry.getChanges());
    }

    private static <T> Paged<T> page(List<T> all, Query query) {
        int offset = Math.toIntExact(query.whole("offset", 0, OFFSET_MAX, 0));
        int limit = Math.toIntExact(query.whole("limit", 1, PAGE_MAX, PAGE));
        return new Paged<>(all.size(), offset,
                all.stream().skip(offset).limit(limit).toList());
    }

    private static String word(String constant, String prefix) {
        return constant.replace(prefix, "").toLowerCase(Locale.ROOT);
    }
}
