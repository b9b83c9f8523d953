package dev.flywheel.store.replica;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.flywheel.adapters.identity.Digest;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.core.StoreException;
import dev.flywheel.store.core.StoreException.Kind;
import dev.flywheel.store.format.ReplicaAdapter;
import dev.flywheel.store.format.ReplicaStanding;
import dev.flywheel.store.format.ReplicaUse;
import dev.flywheel.store.replica.ReplicaDisk.Change;
import dev.flywheel.store.replica.ReplicaDisk.Shelf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A node's copy of what it serves: records as the store tells them, weights by digest as they were fetched.
 *
 * <p>What is told is taken at once, in memory; {@link #flush} alone writes, so no caller but its own waits for the disk. Weights are
 * held to their digest whenever they are read: damaged ones are dropped, and are not there. A version that was superseded before
 * it could be written is not written. Records are few and always fit; weights are bounded by bytes.
 *
 * <p>Thread-safe; one thread at a time may call {@link #open} and {@link #flush}.
 */
public final class Replica implements AutoCloseable {
    private static final byte[] ONLY = {};
    /** Fetched weights that wait to be written: what does not fit is fetched again another day. */
    private static final long WAITING_BYTES_MAX = 256L << 20;

    private final ReplicaDisk disk;
    private final long bytesMax;
    private final Set<String> eager;
    private final ReplicaEvents events;
    // Guarded by this.
    private final Map<String, AdapterCopy> adapters = new TreeMap<>();
    private final BlobIndex index = new BlobIndex();
    private final Map<String, byte[]> waiting = new LinkedHashMap<>();
    private final Set<String> asked = new HashSet<>();
    private final Set<String> changed = new TreeSet<>();
    private final Set<String> gone = new TreeSet<>();
    private final Set<String> lost = new HashSet<>();
    private final Set<String> unfit = new HashSet<>();
    private final Set<String> toldInWatch = new HashSet<>();
    private ReplicaStanding standing = ReplicaStanding.getDefaultInstance();
    private boolean standingChanged;
    private boolean synced;
    private long waitingBytes;

    /**
     * Makes a replica that holds nothing until it is opened.
     *
     * @param bytesMax of all weights together
     * @param eager aliases that the node brings as they move; what they name goes last
     */
    public Replica(ReplicaDisk disk, long bytesMax, Set<String> eager, ReplicaEvents events) {
        this.disk = disk;
        this.bytesMax = bytesMax;
        this.eager = Set.copyOf(eager);
        this.events = events;
    }

    /**
     * Opens the disk, again after a failure, and takes over what is there, as far as the store has not said anything newer. Damage is put
     * aside.
     */
    public void open() {
        disk.open();
        try {
            load();
        } catch (StoreException failure) {
            if (failure.kind() != Kind.CORRUPT) {
                throw failure;
            }
            disk.renew(String.valueOf(failure.getMessage()));
            load();
        }
    }

    private void load() {
        Map<String, AdapterCopy> copies = new TreeMap<>();
        Map<String, ReplicaUse> uses = new TreeMap<>();
        ReplicaStanding[] found = {ReplicaStanding.getDefaultInstance()};
        disk.read(Shelf.STANDING, (key, value) -> found[0] =
                parsed("standing", () -> ReplicaStanding.parseFrom(value)));
        disk.read(Shelf.ADAPTERS, (key, value) -> copies.put(text(key),
                AdapterCopy.of(parsed(text(key), () -> ReplicaAdapter.parseFrom(value)))));
        disk.read(Shelf.USES, (key, value) -> uses.put(Digest.ofRaw(key).hex(),
                parsed("use", () -> ReplicaUse.parseFrom(value))));
        loaded(found[0], copies, uses);
    }

    private synchronized void loaded(ReplicaStanding found, Map<String, AdapterCopy> copies,
            Map<String, ReplicaUse> uses) {
        if (found.getCommit() > standing.getCommit()) {
            standing = found;
        }
        copies.forEach((name, copy) -> {
            if (synced && !adapters.containsKey(name)) {
                gone.add(name);
            } else {
                adapters.putIfAbsent(name, copy);
            }
        });
        changed.addAll(adapters.keySet());
        standingChanged = true;
        index.clear();
        uses.forEach(index::found);
    }

    private interface Parsing<T> {
        T parse() throws InvalidProtocolBufferException;
    }

    private static <T> T parsed(String what, Parsing<T> parsing) {
        try {
            return parsing.parse();
        } catch (InvalidProtocolBufferException damage) {
            throw new StoreException(Kind.CORRUPT, what + " of the replica cannot be read: "
                    + damage.getMessage(), damage);
        }
    }

    private static String text(byte[] key) {
        return new String(key, StandardCharsets.UTF_8);
    }

    private static byte[] key(String adapter) {
        return adapter.getBytes(StandardCharsets.UTF_8);
    }

    // What the store says.

    /** A watch begins: it tells all that is so. */
    public synchronized void begin() {
        toldInWatch.clear();
    }

    /** The store has been heard at a commit. */
    public synchronized void reached(long commit) {
        if (commit > standing.getCommit()) {
            standing = standing.toBuilder().setCommit(commit).build();
            standingChanged = true;
        }
    }

    /** The replica is current now. */
    public synchronized void current(long nowMillis) {
        standing = standing.toBuilder().setAtMillis(nowMillis).build();
        standingChanged = true;
    }

    public synchronized void told(AdapterRecord record) {
        if (record.getDeletedAtMillis() != 0) {
            drop(record.getName());
            return;
        }
        toldInWatch.add(record.getName());
        AdapterCopy copy = adapters.get(record.getName());
        if (copy != null
                && copy.record().getCreatedAtMillis() == record.getCreatedAtMillis()) {
            copy.update(record);
        } else {
            adapters.put(record.getName(), new AdapterCopy(record));
        }
        gone.remove(record.getName());
        changed.add(record.getName());
    }

    /** An adapter is no more: what it alone was served with goes. */
    private void drop(String name) {
        if (adapters.remove(name) != null) {
            changed.remove(name);
            gone.add(name);
        }
    }

    public synchronized void told(VersionRecord version) {
        AdapterCopy copy = adapters.get(version.getRef().getAdapter());
        if (copy != null) {
            copy.remember(version);
        }
    }

    /** Returns whether it is to be followed: an alias never goes back to what it was before. */
    public synchronized boolean told(AliasRecord alias) {
        AdapterCopy copy = adapters.get(alias.getAdapter());
        if (copy == null) {
            return true;
        }
        if (!copy.told(alias)) {
            events.older("alias " + alias.getAlias() + " of " + alias.getAdapter());
            return false;
        }
        changed.add(alias.getAdapter());
        return true;
    }

    /** All that there is has been told; returns the adapters that are no more. */
    public synchronized List<String> toldAll() {
        List<String> vanished = adapters.keySet()
                .stream()
                .filter(name -> !toldInWatch.contains(name))
                .toList();
        vanished.forEach(this::drop);
        synced = true;
        return vanished;
    }

    // What the node does.

    /** Requests for an alias are answered with a version from now on. */
    public synchronized void answers(String alias, VersionRecord version) {
        AdapterCopy copy = adapters.get(version.getRef().getAdapter());
        if (copy != null) {
            copy.remember(version);
            if (copy.answers(alias, version.getRef().getNumber())) {
                changed.add(copy.record().getName());
            }
        }
    }

    /** Weights came that have this digest; they must not be changed any more. */
    public synchronized void fetched(String digest, byte[] weights) {
        if (index.has(digest) || waiting.containsKey(digest)) {
            return;
        }
        if (weights.length > bytesMax) {
            unfit.add(digest);
            events.tooLarge(digest, weights.length);
        } else if (waitingBytes + weights.length <= WAITING_BYTES_MAX) {
            waiting.put(digest, weights);
            waitingBytes += weights.length;
            if (!wanted().contains(digest)) {
                // No alias moved there: a request asked for it, and the next may.
                asked.add(digest);
            }
        }
    }

    public synchronized void backend(String adapter, long seq, String backend) {
        AdapterCopy copy = adapters.get(adapter);
        if (copy != null) {
            copy.backend(seq, backend);
            changed.add(adapter);
        }
    }

    // What the node asks.

    /** Returns a version if it is known here. */
    public synchronized @Nullable VersionRecord version(String adapter, long number) {
        AdapterCopy copy = adapters.get(adapter);
        return copy == null ? null : copy.version(number);
    }

    public synchronized @Nullable String backend(String adapter, long seq) {
        AdapterCopy copy = adapters.get(adapter);
        return copy == null ? null : copy.backend(seq);
    }

    /** Returns weights that have this digest, or null if they are not here, or not any more. */
    public byte @Nullable [] blob(String digest) {
        synchronized (this) {
            byte[] fresh = waiting.get(digest);
            if (fresh != null || !index.has(digest)) {
                return fresh;
            }
            index.use(digest);
        }
        return kept(digest);
    }

    private byte @Nullable [] kept(String digest) {
        byte[] key = new Digest(digest).raw();
        try {
            byte[] bytes = disk.get(Shelf.BLOBS, key);
            if (bytes != null && Digest.of(bytes).hex().equals(digest)) {
                return bytes;
            }
            lost(digest, bytes == null ? "they are not there"
                    : "they are not the ones that their digest names");
        } catch (StoreException failure) {
            if (failure.kind() == Kind.CORRUPT) {
                lost(digest, String.valueOf(failure.getMessage()));
            }
        }
        return null;
    }

    private void lost(String digest, String why) {
        boolean here;
        synchronized (this) {
            here = index.remove(digest);
            lost.add(digest);
        }
        if (here) {
            events.damaged(digest, why);
        }
    }

    /**
     * Returns what is known: of the aliases that the node brings by itself those versions that it answered with last, which it had verified.
     */
    public synchronized Standing standing() {
        List<AdapterRecord> records = new ArrayList<>();
        List<VersionRecord> versions = new ArrayList<>();
        List<AliasRecord> aliases = new ArrayList<>();
        for (AdapterCopy copy : adapters.values()) {
            records.add(copy.record());
            versions.addAll(copy.versions());
            for (AliasRecord told : copy.told()) {
                AliasRecord answering = copy.answering(told.getAlias());
                if (!eager.contains(told.getAlias())) {
                    aliases.add(told);
                } else if (answering != null) {
                    aliases.add(answering);
                }
            }
        }
        return new Standing(standing.getCommit(), standing.getAtMillis(), records, versions,
                aliases);
    }

    public synchronized long commit() {
        return standing.getCommit();
    }

    /** Returns the bytes of all weights. */
    public synchronized long bytes() {
        return index.bytes();
    }

    /** Returns how many versions' weights are here. */
    public synchronized int blobs() {
        return index.size();
    }

    /** Returns a digest that an alias of this node names and whose weights are not here, though they might be. */
    public synchronized @Nullable String missing() {
        if (index.bytes() >= bytesMax) {
            return null;
        }
        for (AdapterCopy copy : adapters.values()) {
            for (String digest : copy.digests(eager::contains)) {
                if (!here(digest) && !unfit.contains(digest)) {
                    return digest;
                }
            }
        }
        return null;
    }

    private boolean here(String digest) {
        return index.has(digest) || waiting.containsKey(digest);
    }

    // Writing.

    /** Returns how many adapters and weights have changed since the last flush. */
    public synchronized int unwritten() {
        return changed.size() + gone.size() + waiting.size();
    }

    /** Whether a flush would write anything. */
    public synchronized boolean dirty() {
        return standingChanged || !changed.isEmpty() || !gone.isEmpty() || !waiting.isEmpty()
                || !lost.isEmpty();
    }

    /**
     * Writes what has changed, in one go.
     *
     * @throws StoreException if it cannot be written; {@link #open} and another flush then write all of it
     */
    public void flush() {
        List<Change> changes = takeChanges();
        if (!changes.isEmpty()) {
            disk.write(changes);
        }
    }

    private synchronized List<Change> takeChanges() {
        List<Change> changes = new ArrayList<>();
        lost.forEach(digest -> remove(digest, changes));
        lost.clear();
        if (!waiting.isEmpty()) {
            takeWaiting(changes);
        }
        if (!gone.isEmpty()) {
            dropUnnamed(changes);
        }
        takeRecords(changes);
        return changes;
    }

    private void takeWaiting(List<Change> changes) {
        Set<String> wanted = wanted();
        unfit.retainAll(wanted);
        Set<String> added = new HashSet<>();
        waiting.forEach((digest, weights) -> {
            if (wanted.contains(digest) || asked.contains(digest)) {
                makeRoom(weights.length, wanted, changes);
                index.add(digest, weights.length);
                changes.add(new Change(Shelf.BLOBS, new Digest(digest).raw(), weights));
                added.add(digest);
            }
        });
        adapters.forEach((name, copy) -> {
            if (copy.versions().stream().anyMatch(v -> added.contains(v.getRef().getDigest()))) {
                changed.add(name);
            }
        });
        waiting.clear();
        asked.clear();
        waitingBytes = 0;
    }

    private Set<String> wanted() {
        Set<String> wanted = new HashSet<>();
        adapters.values().forEach(copy -> wanted.addAll(copy.digests(eager::contains)));
        return wanted;
    }

    private void makeRoom(long bytes, Set<String> wanted, List<Change> changes) {
        for (String digest : index.toMakeRoom(bytes, bytesMax, wanted)) {
            remove(digest, changes);
            if (wanted.contains(digest)) {
                // Fetching it again would only throw out another.
                unfit.add(digest);
            }
            events.evicted(digest, wanted.contains(digest));
        }
    }

    private void remove(String digest, List<Change> changes) {
        index.remove(digest);
        byte[] key = new Digest(digest).raw();
        changes.add(new Change(Shelf.BLOBS, key, null));
        changes.add(new Change(Shelf.USES, key, null));
    }

    /** Weights of adapters that are no more. */
    private void dropUnnamed(List<Change> changes) {
        Set<String> named = new HashSet<>();
        adapters.values()
                .forEach(copy -> copy.versions()
                        .forEach(each -> named.add(each.getRef().getDigest())));
        index.all()
                .stream()
                .filter(digest -> !named.contains(digest))
                .forEach(digest -> remove(digest, changes));
    }

    private void takeRecords(List<Change> changes) {
        for (String digest : index.takeTouched()) {
            ReplicaUse use = index.row(digest);
            if (use != null) {
                changes.add(new Change(Shelf.USES, new Digest(digest).raw(), use.toByteArray()));
            }
        }
        gone.forEach(name -> changes.add(new Change(Shelf.ADAPTERS, key(name), null)));
        for (String name : changed) {
            AdapterCopy copy = adapters.get(name);
            if (copy != null) {
                changes.add(new Change(Shelf.ADAPTERS, key(name),
                        copy.row(index::has).toByteArray()));
            }
        }
        gone.clear();
        changed.clear();
        if (standingChanged) {
            standingChanged = false;
            changes.add(new Change(Shelf.STANDING, ONLY, standing.toByteArray()));
        }
    }

    /** Returns once what was flushed would survive the end of the machine. */
    public void sync() {
        disk.sync();
    }

    @Override
    public void close() {
        disk.close();
    }
}
