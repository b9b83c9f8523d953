package dev.flywheel.store.core;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.VersionRecord;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One adapter as the rules see it; immutable.
 *
 * <p>Each change checks what must hold: epochs and sequence numbers only rise, a version's parent is HEAD (I2), and only an
 * open manifest can end.
 *
 * @param nextSeq lowest sequence number that no manifest has had
 * @param lastVersion highest version number ever given; above HEAD after a rollback
 * @param headVersion the version that HEAD names
 * @param open manifests without an outcome, by seq
 * @param audits entries of its audit so far
 * @param lineage HEAD's ancestors and HEAD, the oldest first
 * @param repairEpoch epoch that the last repair took from its writer; 0: there was none
 * @param withdrawn manifests that hold feedback which was withdrawn after they had claimed it, by seq, and when the first was
 * @param manifestsFrom lowest sequence number whose manifest is still kept, see {@link ExpiryRules}
 */
public record AdapterState(
        AdapterRecord record,
        long epoch,
        long nextSeq,
        long lastVersion,
        VersionRecord headVersion,
        SortedMap<String, AliasRecord> aliases,
        SortedMap<Long, OpenManifest> open,
        long audits,
        VersionRanges lineage,
        long repairEpoch,
        SortedMap<Long, Long> withdrawn,
        long manifestsFrom) {

    public AdapterState {
        aliases = Collections.unmodifiableSortedMap(new TreeMap<>(aliases));
        open = Collections.unmodifiableSortedMap(new TreeMap<>(open));
        withdrawn = Collections.unmodifiableSortedMap(new TreeMap<>(withdrawn));
        require(record.getHead() == headVersion.getRef().getNumber(),
                "HEAD is " + record.getHead() + " but its version is "
                        + headVersion.getRef().getNumber());
        require(lineage.last() == record.getHead(),
                "HEAD is " + record.getHead() + " but its lineage ends with " + lineage.last());
    }

    public String name() {
        return record.getName();
    }

    /** Whether it is only kept to be read. */
    public boolean deleted() {
        return record.getDeletedAtMillis() != 0;
    }

    public long head() {
        return record.getHead();
    }

    public @Nullable AliasRecord alias(String alias) {
        return aliases.get(alias);
    }

    public boolean aliased(long version) {
        for (AliasRecord alias : aliases.values()) {
            if (alias.getVersion() == version) {
                return true;
            }
        }
        return false;
    }

    /** Whether what a version was made of is not kept any more: nobody can train it again. */
    boolean expired(VersionRecord version) {
        return version.getRef().getNumber() != 0 && version.getManifestSeq() < manifestsFrom;
    }

    /** Rounds that are still to be trained again. */
    VersionRanges repairLeft() {
        return VersionRanges.of(record.getRepair().getLeftList());
    }

    static AdapterState created(Fact.AdapterCreated fact) {
        require(fact.adapter().getHead() == 0, "an adapter starts at version 0");
        long audits = fact.entry().getSequence();
        require(audits == 1 || fact.entry().equals(AuditEntry.getDefaultInstance()),
                "the audit skips an entry");
        return new AdapterState(fact.adapter(), 0, 1, 0, fact.start(), new TreeMap<>(),
                new TreeMap<>(), audits, VersionRanges.of(0, 0), 0, new TreeMap<>(), 1);
    }

    /** After any of the facts that change an adapter once it is there. */
    AdapterState after(Fact fact) {
        return switch (fact) {
            case Fact.AdapterChanged changed -> after(changed);
            case Fact.EpochAcquired acquired -> after(acquired);
            case Fact.ManifestClaimed claimed -> after(claimed);
            case Fact.ManifestEnded ended -> after(ended);
            case Fact.VersionCommitted committed -> after(committed);
            case Fact.AliasMoved moved -> after(moved);
            case Fact.HeadMoved moved -> after(moved);
            case Fact.RepairAdvanced advanced -> after(advanced);
            case Fact.WithdrawnLate late -> after(late);
            case Fact.ManifestsExpired expired -> after(expired);
            case Fact.AdapterCreated ignored ->
                throw new BrokenInvariantException("adapter " + name() + " exists");
            case Fact.ManifestReplaced ignored -> this;
            case Fact.BlobsReleased ignored -> this;
            case Fact.Withdrawn ignored -> this;
            case Fact.Erased ignored -> this;
        };
    }

    AdapterState after(Fact.AdapterChanged fact) {
        AdapterRecord changed = fact.adapter();
        require(changed.getRevision() == record.getRevision() + 1,
                "revision " + changed.getRevision() + " does not follow " + record.getRevision());
        require(changed.getHead() == head() && changed.getLora().equals(record.getLora())
                && changed.getBaseDigest().equals(record.getBaseDigest()),
                "HEAD, shape and base are not configured");
        require(!deleted(), "a deleted adapter does not change");
        require(changed.getDeletedAtMillis() == 0 || open.isEmpty(),
                "manifests of a deleted adapter are open");
        require(fact.entry().getSequence() == audits + 1, "the audit skips an entry");
        return new AdapterState(changed, epoch, nextSeq, lastVersion, headVersion, aliases, open,
                audits + 1, lineage, repairEpoch, withdrawn, manifestsFrom);
    }

    AdapterState after(Fact.EpochAcquired fact) {
        require(fact.epoch() > epoch, "epoch " + fact.epoch() + " does not follow " + epoch);
        return new AdapterState(record, fact.epoch(), nextSeq, lastVersion, headVersion, aliases,
                open, audits, lineage, repairEpoch, withdrawn, manifestsFrom);
    }

    AdapterState after(Fact.ManifestClaimed fact) {
        OpenManifest claimed =
                new OpenManifest(fact.manifest().getSeq(), fact.manifest().getEpoch(),
                        fact.manifest().getParent(), fact.manifest().getExamplesCount(),
                        fact.entry().summary().getReplays());
        require(claimed.seq() >= nextSeq, "seq " + claimed.seq() + " was used before");
        require(claimed.epoch() == epoch, "a manifest of epoch " + claimed.epoch()
                + " was claimed in epoch " + epoch);
        require(claimed.parent() == head(), "a manifest must start from HEAD");
        require(claimed.examples() > 0, "a manifest without examples");
        SortedMap<Long, OpenManifest> more = new TreeMap<>(open);
        more.put(claimed.seq(), claimed);
        return new AdapterState(record, epoch, claimed.seq() + 1, lastVersion, headVersion, aliases,
                more, audits, lineage, repairEpoch, withdrawn, manifestsFrom);
    }

    AdapterState after(Fact.ManifestEnded fact) {
        SortedMap<Long, OpenManifest> fewer = new TreeMap<>(open);
        require(fewer.remove(fact.seq()) != null, "manifest " + fact.seq() + " is not open");
        SortedMap<Long, Long> trained = new TreeMap<>(withdrawn);
        if (fact.state() != ManifestState.MANIFEST_STATE_COMMITTED) {
            trained.remove(fact.seq());
        }
        return new AdapterState(record, epoch, nextSeq, lastVersion, headVersion, aliases, fewer,
                audits, lineage, repairEpoch, trained, manifestsFrom);
    }

    AdapterState after(Fact.VersionCommitted fact) {
        VersionRecord version = fact.version();
        long number = version.getRef().getNumber();
        require(version.getParent() == head(), "version " + number + " has parent "
                + version.getParent() + " but HEAD is " + head());
        require(number == lastVersion + 1, "version " + number + " does not follow " + lastVersion);
        return new AdapterState(record.toBuilder().setHead(number).build(), epoch, nextSeq, number,
                version, aliases, open, audits, lineage.with(number), repairEpoch, withdrawn,
                manifestsFrom);
    }

    AdapterState after(Fact.AliasMoved fact) {
        AliasRecord before = aliases.get(fact.alias().getAlias());
        long revision = before == null ? 0 : before.getRevision();
        require(fact.alias().getRevision() == revision + 1,
                "alias " + fact.alias().getAlias() + " skips a revision");
        require(fact.entry().getSequence() == audits + 1, "the audit skips an entry");
        Map<String, AliasRecord> moved = new TreeMap<>(aliases);
        moved.put(fact.alias().getAlias(), fact.alias());
        return new AdapterState(record, epoch, nextSeq, lastVersion, headVersion,
                new TreeMap<>(moved), open, audits + 1, lineage, repairEpoch, withdrawn,
                manifestsFrom);
    }

    /** The one way back: to an ancestor, with no round open and its writer shut out. */
    AdapterState after(Fact.HeadMoved fact) {
        long to = fact.adapter().getHead();
        require(lineage.holds(to), "version " + to + " is not among HEAD's ancestors");
        require(open.isEmpty(), "manifests are open while HEAD moves");
        require(fact.entry().getSequence() == audits + 1, "the audit skips an entry");
        SortedMap<Long, Long> left = new TreeMap<>(withdrawn);
        fact.ended().forEach(each -> left.remove(each.seq()));
        return new AdapterState(fact.adapter(), epoch, nextSeq, lastVersion, fact.head(), aliases,
                open, audits + 1, lineage.upTo(to), epoch, left, manifestsFrom);
    }

    AdapterState after(Fact.RepairAdvanced fact) {
        AuditEntry entry = fact.entry();
        require(fact.adapter().getHead() == head(), "a repair moves no HEAD by itself");
        require(entry == null || entry.getSequence() == audits + 1, "the audit skips an entry");
        return new AdapterState(fact.adapter(), epoch, nextSeq, lastVersion, headVersion, aliases,
                open, entry == null ? audits : audits + 1, lineage, repairEpoch, withdrawn,
                manifestsFrom);
    }

    AdapterState after(Fact.WithdrawnLate fact) {
        SortedMap<Long, Long> more = new TreeMap<>(withdrawn);
        more.putIfAbsent(fact.seq(), fact.atMillis());
        return new AdapterState(record, epoch, nextSeq, lastVersion, headVersion, aliases, open,
                audits, lineage, repairEpoch, more, manifestsFrom);
    }

    AdapterState after(Fact.ManifestsExpired fact) {
        require(fact.fromSeq() == manifestsFrom && fact.upToSeq() >= manifestsFrom
                && fact.upToSeq() < nextSeq,
                "manifests " + fact.fromSeq() + " to "
                        + fact.upToSeq() + " do not follow those that expired before "
                        + manifestsFrom);
        require(open.headMap(fact.upToSeq() + 1).isEmpty(), "an open manifest expires");
        return new AdapterState(record, epoch, nextSeq, lastVersion, headVersion, aliases, open,
                audits, lineage, repairEpoch, withdrawn, fact.upToSeq() + 1);
    }
}
