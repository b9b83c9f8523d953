package dev.flywheel.serving.adapter;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.engine.device.DeviceLoop;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.serving.metrics.ServingMetrics;
import dev.flywheel.serving.metrics.ServingMetrics.SwapOutcome;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions that this node answers with, replaceable without pausing requests.
 *
 * <p>Follows the store: {@code serving} and {@code canary} of every adapter of this base are brought as
 * they move, other aliases and exact versions when a request asks. A request takes one lease and keeps it
 * to its last token, so one answer never mixes two versions; a move flips one reference, which only later
 * leases see. A version that fails verification is refused and counted, and the old one goes on answering.
 * How an adapter is configured is leased with the version; one that was deleted is leased no more.
 *
 * <p>Thread-safe. Events return at once; {@link #lease} takes no lock if the version is resident.
 */
public final class ServedVersions implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ServedVersions.class);
    private static final String SERVING = "serving";

    /** Aliases whose versions are brought as they move. */
    public static final Set<String> EAGER = Set.of(SERVING, "canary");

    private static final int REFUSALS_KEPT = 1024;
    private static final Duration RETRY_AFTER = Duration.ofMillis(250);

    private final Map<String, AdapterEntry> adapters = new ConcurrentHashMap<>();
    /** Used by the queue's thread alone. */
    private final Map<VersionKey, ServingException> refusals = new LinkedHashMap<>();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final VersionRef base;
    private final SlotTable table;
    private final VersionSource source;
    private final Warming warming;
    private final LoadQueue queue;
    private final ServingMetrics metrics;
    private final InstantSource clock;
    private final LongSupplier nanos;
    private volatile boolean synced;

    /**
     * @param hostBytesMax weights of versions kept in the host's memory, bytes
     * @param nanos a monotonic clock
     */
    public ServedVersions(BaseModel model, AdapterSlots slots, DeviceLoop device,
            VersionSource source, Warming warming, long hostBytesMax, ServingMetrics metrics,
            InstantSource clock, LongSupplier nanos) {
        this.base = VersionRef.newBuilder().setBaseDigest(model.digest().hex()).build();
        this.table = new SlotTable(slots, nanos);
        this.source = source;
        this.warming = warming;
        this.metrics = metrics;
        this.clock = clock;
        this.nanos = nanos;
        HostTier host = new HostTier(hostBytesMax);
        this.queue = new LoadQueue(new VersionLoader(source,
                new VersionVerifier(model.digest(), model.linearModules(), slots.rankMax()),
                new VersionProbe(model, slots, device), table, host, this::wanted));
        metrics.gauge("flywheel.adapter.versions.resident", "versions in a slot of the device",
                () -> table.residents().size());
        metrics.gauge("flywheel.adapter.host.bytes",
                "weights of versions that are kept in the host's memory", () -> host.bytes());
        metrics.gauge("flywheel.adapter.leases", "requests that hold a version", this::leases);
        metrics.gauge("flywheel.adapter.known", "adapters that this node has heard of",
                adapters::size);
        metrics.gauge("flywheel.adapter.unserved",
                "adapters of this base without an alias serving, or whose version there was refused while none answers",
                this::unserved);
    }

    /** Completes when everything that the store held at the start has been loaded or refused. */
    public CompletableFuture<Void> ready() {
        return ready;
    }

    /** What answers under an alias here. */
    public record Served(String alias, VersionRef version) {}

    /** Returns what answers under each alias, in order of the adapters' names; aliases that nothing answers for are not in it. */
    public List<Served> served() {
        return adapters.values()
                .stream()
                .sorted(Comparator.comparing(entry -> entry.record().getName()))
                .flatMap(entry -> entry.aliases().stream())
                .flatMap(pointer -> Optional.ofNullable(pointer.current())
                        .map(now -> new Served(pointer.alias(), now.ref()))
                        .stream())
                .toList();
    }

    private long unserved() {
        return adapters.values().stream().filter(this::ofThisBase).filter(entry -> {
            AliasPointer serving = entry.alias("serving");
            return serving == null || serving.current() == null && serving.refusal() != null
                    && serving.refusal().code() != ErrorCode.LOADING;
        }).count();
    }

    /** Returns the number of leases that are open, those of the bare base left out. */
    public int leases() {
        return table.residents().stream().mapToInt(Resident::leases).sum();
    }

    // What the store says.

    public void onAdapter(AdapterRecord record) {
        if (record.getDeletedAtMillis() != 0) {
            adapters.remove(record.getName());
            metrics.forget(record.getName());
            return;
        }
        adapters.computeIfAbsent(record.getName(), name -> new AdapterEntry(record))
                .update(record);
    }

    public void onVersion(VersionRecord record) {
        AdapterEntry entry = adapters.get(record.getRef().getAdapter());
        if (entry != null) {
            entry.remember(record);
        }
    }

    public void onAlias(AliasRecord record) {
        AdapterEntry entry = adapters.get(record.getAdapter());
        if (entry == null || !ofThisBase(entry)) {
            return;
        }
        AliasPointer pointer = entry.point(record.getAlias(), record.getVersion());
        if (EAGER.contains(record.getAlias())) {
            var unused = bring(entry, pointer, false);
        }
    }

    /** The store has said all that it held when the watch began. */
    public void onSynced() {
        synced = true;
        queue.afterAll(() -> ready.complete(null));
    }

    /** What the node kept itself has been said; the store has not answered yet, so there may be more. */
    public void onBegun() {
        queue.afterAll(() -> ready.complete(null));
    }

    // What gateways ask: nothing is loaded for it.

    /** Returns the version numbers of an adapter that are in memory, in order. */
    public List<Long> inMemory(String tenant, String adapter) {
        String name = entry(tenant, adapter).record().getName();
        return table.residents()
                .stream()
                .map(Resident::key)
                .filter(key -> key.adapter().equals(name))
                .map(VersionKey::number)
                .sorted()
                .toList();
    }

    /** Whether a version that an alias points to, or pointed to while the newest is being loaded, is in memory. */
    public boolean inMemory(String tenant, String adapter, String alias) {
        AliasPointer pointer = entry(tenant, adapter).alias(alias);
        return pointer != null && pointer.current() != null;
    }

    /** Returns the adapters of this base that a tenant has, by name. */
    public List<ServedAdapter> ofTenant(String tenant) {
        return adapters.values()
                .stream()
                .filter(entry -> tenantOf(entry.record()).equals(tenant) && ofThisBase(entry))
                .map(AdapterEntry::shown)
                .sorted(Comparator.comparing(shown -> shown.record().getName()))
                .toList();
    }

    // What requests ask.

    /** Claims the bare base model. */
    public Lease leaseBase() {
        return new Lease(base, AdapterRecord.getDefaultInstance(), AdapterSlots.BASE, () -> {});
    }

    /** Claims the version that an alias points to, waiting for it if it is not resident. */
    public Lease lease(String tenant, String adapter, String alias, Duration patience) {
        return admitted(entry(tenant, adapter),
                entry -> leaseAlias(entry, alias, nanos.getAsLong() + patience.toNanos()));
    }

    /** Counts the request in until its lease ends, or its asking for one. */
    private static Lease admitted(AdapterEntry entry, Function<AdapterEntry, Lease> asking) {
        String adapter = entry.record().getName();
        if (!entry.enter()) {
            throw ServingException.later(ErrorCode.ADAPTER_QUOTA, "adapter " + adapter + " has "
                    + entry.record().getQuota().getRequestsMax()
                    + " requests at once, which is its quota", RETRY_AFTER);
        }
        boolean leased = false;
        try {
            Lease lease = asking.apply(entry);
            leased = true;
            return lease;
        } finally {
            if (!leased) {
                entry.leave();
            }
        }
    }

    private Lease leaseAlias(AdapterEntry entry, String alias, long deadline) {
        String adapter = entry.record().getName();
        AliasPointer pointer = entry.alias(alias);
        if (pointer == null) {
            requireSynced();
            throw ServingException.resource(ErrorCode.ADAPTER_NOT_FOUND, adapter,
                    "adapter " + adapter + " has no alias " + alias);
        }
        while (true) {
            Resident current = pointer.current();
            if (current == null || current.key().number() != pointer.desired()) {
                // Somebody has to ask for a version that nobody brings eagerly.
                current = freshen(entry, pointer, current, deadline);
            }
            Lease lease = table.tryLease(current, entry.record(), entry::leave);
            if (lease != null) {
                return lease;
            }
            // It was evicted meanwhile: bring it back.
            await(bring(entry, pointer, true), deadline, adapter);
        }
    }

    /** Claims an exact version, waiting for it if it is not resident. */
    public Lease lease(String tenant, String adapter, long number, Duration patience) {
        return admitted(entry(tenant, adapter),
                entry -> leaseVersion(entry, number, nanos.getAsLong() + patience.toNanos()));
    }

    private Lease leaseVersion(AdapterEntry entry, long number, long deadline) {
        String adapter = entry.record().getName();
        VersionKey key = new VersionKey(adapter, number);
        while (true) {
            Resident resident = table.find(key);
            Lease lease = resident == null ? null
                    : table.tryLease(resident, entry.record(), entry::leave);
            if (lease != null) {
                return lease;
            }
            await(queue.load(key, () -> bringVersion(entry, number)), deadline, adapter);
        }
    }

    private Resident freshen(AdapterEntry entry, AliasPointer pointer,
            @Nullable Resident current, long deadline) {
        ServingException refusal = pointer.refusal();
        boolean hopeless = refusal != null && refusal.code() != ErrorCode.LOADING;
        // What could not be brought is tried again without anybody who waits for it.
        if (current != null && (refusal != null || EAGER.contains(pointer.alias()))) {
            return current;
        }
        if (hopeless) {
            throw refusal;
        }
        return await(bring(entry, pointer, true), deadline, pointer.adapter());
    }

    private AdapterEntry entry(String tenant, String adapter) {
        AdapterEntry entry = adapters.get(adapter);
        if (entry == null || !tenantOf(entry.record()).equals(tenant)) {
            requireSynced();
            throw ServingException.resource(ErrorCode.ADAPTER_NOT_FOUND, adapter,
                    "there is no adapter " + adapter + " for tenant " + tenant);
        }
        if (!ofThisBase(entry)) {
            throw ServingException.resource(ErrorCode.ADAPTER_NOT_SERVABLE, adapter,
                    "adapter " + adapter + " is for another base model than this node serves");
        }
        return entry;
    }

    /** Before the store has said all, what is not known may be there. */
    private void requireSynced() {
        if (!synced) {
            throw ServingException.later(ErrorCode.LOADING,
                    "this node has not heard of all adapters and aliases yet", RETRY_AFTER);
        }
    }

    private boolean ofThisBase(AdapterEntry entry) {
        return entry.record().getBaseDigest().equals(base.getBaseDigest());
    }

    private static String tenantOf(AdapterRecord record) {
        return record.getTenant().isEmpty() ? "default" : record.getTenant();
    }

    private Resident await(CompletableFuture<Resident> coming, long deadline, String adapter) {
        try {
            return coming.get(deadline - nanos.getAsLong(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ServingException why) {
                throw why;
            }
            throw new IllegalStateException("loading a version of " + adapter + " failed", e);
        } catch (TimeoutException e) {
            throw ServingException.of(ErrorCode.DEADLINE,
                    "adapter " + adapter + " was not loaded before the deadline");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ServingException.of(ErrorCode.CANCELLED, "the request was interrupted");
        }
    }

    // Loading; on the queue's thread from here on.

    private CompletableFuture<Resident> bring(AdapterEntry entry, AliasPointer pointer,
            boolean demand) {
        return pointer.bring(demand, () -> queue.submit(() -> bringWanted(entry, pointer)));
    }

    private void bringWanted(AdapterEntry entry, AliasPointer pointer)
            throws InterruptedException {
        // What is wanted, and by whom, must be read after end(): a move or a request that comes later begins anew.
        AliasPointer.Bringing bringing = pointer.end();
        if (bringing == null) {
            return;
        }
        CompletableFuture<Resident> ended = bringing.coming();
        if (!bringing.demanded() && !holds(pointer.current()) && !table.hasFree()) {
            ended.completeExceptionally(ServingException.later(ErrorCode.LOADING,
                    "no adapter slot is free", RETRY_AFTER));
            return;
        }
        try {
            ended.complete(bringWanted(entry, pointer, pointer.desired()));
        } catch (ServingException why) {
            pointer.refuse(why);
            keepOld(entry, pointer, bringing, why);
            metrics.notSwapped(why.code() == ErrorCode.LOADING ? SwapOutcome.UNAVAILABLE
                    : SwapOutcome.REFUSED);
            log.warn("{} of {} stays as it is: {}", pointer.alias(), pointer.adapter(),
                    why.getMessage());
            if (why.code() == ErrorCode.LOADING
                    && (pointer.current() != null || EAGER.contains(pointer.alias()))) {
                queue.later(RETRY_AFTER, () -> {
                    var unused = bring(entry, pointer, false);
                });
            }
        } catch (RuntimeException fault) {
            ended.completeExceptionally(fault);
            throw fault;
        }
    }

    private Resident bringWanted(AdapterEntry entry, AliasPointer pointer, long number)
            throws InterruptedException {
        long began = nanos.getAsLong();
        Resident old = pointer.current();
        boolean resident = table.find(new VersionKey(pointer.adapter(), number)) != null;
        Resident next = bringVersion(entry, number);
        if (next != old) {
            if (!resident && old != null && pointer.alias().equals(SERVING)) {
                warming.warm(pointer.adapter(),
                        () -> table.tryLease(next, entry.record(), () -> {}));
            }
            flip(entry, pointer, old, next, began);
        }
        return next;
    }

    /** The old version answers as long as the new one cannot: it is brought back if it was evicted and somebody waits. */
    private void keepOld(AdapterEntry entry, AliasPointer pointer,
            AliasPointer.Bringing bringing, ServingException why) throws InterruptedException {
        Resident old = pointer.current();
        if (old == null || !holds(old) && !bringing.demanded()) {
            bringing.coming().completeExceptionally(why);
            return;
        }
        try {
            Resident back = bringVersion(entry, old.key().number());
            if (back != old) {
                pointer.flip(back);
                pointer.refuse(why);
            }
            bringing.coming().complete(back);
        } catch (ServingException gone) {
            bringing.coming().completeExceptionally(gone);
        }
    }

    /** Whether it is in its slot still, and not another copy of the same version. */
    private boolean holds(@Nullable Resident resident) {
        return resident != null && table.find(resident.key()) == resident;
    }

    private void flip(AdapterEntry entry, AliasPointer pointer, @Nullable Resident old,
            Resident next, long began) {
        long before = nanos.getAsLong();
        pointer.flip(next);
        long after = nanos.getAsLong();
        VersionRecord version = entry.recall(next.key().number());
        if (version != null) {
            source.answers(pointer.alias(), version);
        }
        if (old == null || old.key().equals(next.key())) {
            return;
        }
        metrics.flipped(after - before, after - began);
        if (version != null && pointer.alias().equals(SERVING)
                && next.key().number() > old.key().number()) {
            metrics.publishedAfter(clock.millis() - version.getCreatedAtMillis());
        }
        log.debug("{} of {} moved from {} to {}", pointer.alias(), pointer.adapter(),
                old.key().number(), next.key().number());
    }

    private Resident bringVersion(AdapterEntry entry, long number) throws InterruptedException {
        VersionKey key = new VersionKey(entry.record().getName(), number);
        Resident resident = table.find(key);
        if (resident != null) {
            return resident;
        }
        ServingException known = refusals.get(key);
        if (known != null) {
            throw known;
        }
        VersionRecord version = entry.recall(number);
        if (version == null) {
            version = source.version(key.adapter(), number);
            entry.remember(version);
        }
        try {
            Resident loaded = queue.loader().load(entry.record(), version);
            metrics.loaded();
            return loaded;
        } catch (ServingException why) {
            if (why.code() == ErrorCode.ADAPTER_NOT_SERVABLE) {
                remember(key, why);
            }
            throw why;
        }
    }

    /** A version never changes, so what was found wrong with it need not be found again. */
    private void remember(VersionKey key, ServingException why) {
        refusals.put(key, why);
        if (refusals.size() > REFUSALS_KEPT) {
            refusals.remove(refusals.keySet().iterator().next());
        }
    }

    private boolean wanted(VersionKey key) {
        AdapterEntry entry = adapters.get(key.adapter());
        return entry != null
                && entry.aliases().stream().anyMatch(pointer -> pointer.points(key));
    }

    @Override
    public void close() {
        queue.close();
    }
}
