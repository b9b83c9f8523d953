package dev.flywheel.store.replica;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.store.format.ReplicaAdapter;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What a replica knows of one adapter. Not thread-safe. */
final class AdapterCopy {
    /** Versions that nothing names yet: their alias follows, or a request asks for them. */
    private static final int VERSIONS_KEPT = 32;

    private final Map<String, AliasRecord> told = new TreeMap<>();
    private final Map<String, AliasRecord> answering = new TreeMap<>();
    private final Map<Long, VersionRecord> versions = new LinkedHashMap<>();
    private final Map<Long, String> backends = new TreeMap<>();
    private AdapterRecord record;

    AdapterCopy(AdapterRecord record) {
        this.record = record;
    }

    static AdapterCopy of(ReplicaAdapter row) {
        AdapterCopy copy = new AdapterCopy(row.getAdapter());
        row.getVersionsList().forEach(each -> copy.versions.put(each.getRef().getNumber(), each));
        row.getToldList().forEach(each -> copy.told.put(each.getAlias(), each));
        row.getAnsweringList().forEach(each -> copy.answering.put(each.getAlias(), each));
        copy.backends.putAll(row.getBackendsMap());
        return copy;
    }

    /** Returns what is worth a place on the disk. */
    ReplicaAdapter row(Predicate<String> kept) {
        trim(kept);
        Set<Long> named = named();
        return ReplicaAdapter.newBuilder()
                .setAdapter(record)
                .addAllTold(told.values())
                .addAllAnswering(answering.values())
                .addAllVersions(versions.values()
                        .stream()
                        .filter(each -> worthKeeping(each, named, kept))
                        .toList())
                .putAllBackends(backends)
                .build();
    }

    private static boolean worthKeeping(VersionRecord version, Set<Long> named,
            Predicate<String> kept) {
        return named.contains(version.getRef().getNumber())
                || kept.test(version.getRef().getDigest());
    }

    private Set<Long> named() {
        Set<Long> numbers = new HashSet<>();
        told.values().forEach(each -> numbers.add(each.getVersion()));
        answering.values().forEach(each -> numbers.add(each.getVersion()));
        return numbers;
    }

    private void trim(Predicate<String> kept) {
        Set<Long> named = named();
        Set<Long> seqs = new HashSet<>();
        int others = versions.size();
        for (Iterator<VersionRecord> all = versions.values().iterator(); all.hasNext();) {
            VersionRecord each = all.next();
            if (others-- > VERSIONS_KEPT && !worthKeeping(each, named, kept)) {
                all.remove();
            } else {
                seqs.add(each.getManifestSeq());
            }
        }
        backends.keySet().retainAll(seqs);
    }

    AdapterRecord record() {
        return record;
    }

    void update(AdapterRecord next) {
        record = next;
    }

    void remember(VersionRecord version) {
        versions.remove(version.getRef().getNumber());
        versions.put(version.getRef().getNumber(), version);
        if (versions.size() > 2 * VERSIONS_KEPT) {
            trim(digest -> true);
        }
    }

    @Nullable
    VersionRecord version(long number) {
        return versions.get(number);
    }

    Collection<VersionRecord> versions() {
        return versions.values();
    }

    /** Whether it is not older than what was told before. */
    boolean told(AliasRecord alias) {
        AliasRecord before = told.get(alias.getAlias());
        if (before != null && alias.getRevision() < before.getRevision()) {
            return false;
        }
        told.put(alias.getAlias(), alias);
        return true;
    }

    Collection<AliasRecord> told() {
        return told.values();
    }

    /** Requests are answered with this version from now on. */
    boolean answers(String alias, long number) {
        AliasRecord next = AliasRecord.newBuilder()
                .setAdapter(record.getName())
                .setAlias(alias)
                .setVersion(number)
                .build();
        return !next.equals(answering.put(alias, next));
    }

    /** Returns what requests were answered with last. */
    @Nullable
    AliasRecord answering(String alias) {
        return answering.get(alias);
    }

    void backend(long seq, String backend) {
        backends.put(seq, backend);
    }

    @Nullable
    String backend(long seq) {
        return backends.get(seq);
    }

    /** Returns the digests that some aliases name, of what was told and of what answers. */
    List<String> digests(Predicate<String> alias) {
        Set<Long> numbers = new HashSet<>();
        told.values()
                .stream()
                .filter(each -> alias.test(each.getAlias()))
                .forEach(each -> numbers.add(each.getVersion()));
        answering.values()
                .stream()
                .filter(each -> alias.test(each.getAlias()))
                .forEach(each -> numbers.add(each.getVersion()));
        return numbers.stream()
                .map(versions::get)
                .filter(Objects::nonNull)
                .map(each -> each.getRef().getDigest())
                .toList();
    }
}
