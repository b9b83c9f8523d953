package dev.flywheel.store.core;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.FeedbackKey;
import dev.flywheel.api.v1.Manifest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.VersionRecord;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Something that has happened to the store and stays so. */
public sealed interface Fact {

    /** With its version 0, whose weights it refers to from now on. The entry is empty where this was not audited yet. */
    record AdapterCreated(AdapterRecord adapter, VersionRecord start, AuditEntry entry)
            implements
                Fact {}

    /** It is as the record says from now on: its settings changed, or it was deleted. */
    record AdapterChanged(AdapterRecord adapter, AuditEntry entry) implements Fact {}

    /** Writers with an older epoch are shut out. */
    record EpochAcquired(String adapter, long epoch, String writer) implements Fact {}

    /** The manifest's examples are claimed. */
    record ManifestClaimed(Manifest manifest, ManifestEntry entry) implements Fact {}

    /**
     * A manifest has its outcome.
     *
     * @param version the version it made, 0 if none
     * @param quarantined feedback of a committed manifest that was not trained
     * @param released claimed ids that can be claimed again: all of an abandoned manifest, otherwise none
     * @param replays the replaced manifest that it held again, which takes what is released back; 0: none
     */
    record ManifestEnded(
            String adapter,
            long seq,
            ManifestState state,
            PutOutcomeRequest outcome,
            long version,
            List<FeedbackKey> quarantined,
            List<String> released,
            long replays) implements Fact {
        public ManifestEnded {
            quarantined = List.copyOf(quarantined);
            released = List.copyOf(released);
        }
    }

    /** HEAD is now this version; its weights and optimizer state are referred to. */
    record VersionCommitted(VersionRecord version) implements Fact {}

    /**
     * HEAD is this ancestor again. What came after it is no ancestor of HEAD any more.
     *
     * @param adapter with HEAD where it is now, and with what is to be repaired
     * @param head the version that HEAD names now
     * @param ended what was ended by it
     */
    record HeadMoved(AdapterRecord adapter, VersionRecord head, List<Ended> ended, AuditEntry entry)
            implements
                Fact {
        public HeadMoved {
            ended = List.copyOf(ended);
        }

        /**
         * The end of a version that was HEAD once, and of the manifest that made it.
         *
         * @param version with its new state
         */
        public record Ended(VersionRecord version, ManifestState manifest) {
            public long seq() {
                return version.getManifestSeq();
            }
        }
    }

    /**
     * A replaced manifest's turn to be claimed again has come.
     *
     * @param by the manifest that holds it again; 0: none
     * @param withdrawn feedback that is not kept
     */
    record ManifestReplaced(String adapter, long seq, long by, List<FeedbackKey> withdrawn)
            implements
                Fact {
        public ManifestReplaced {
            withdrawn = List.copyOf(withdrawn);
        }
    }

    /** A repair has one round less to train; the entry says that it was the last. */
    record RepairAdvanced(AdapterRecord adapter, @Nullable AuditEntry entry) implements Fact {}

    /** Feedback was withdrawn after a manifest had claimed it. */
    record WithdrawnLate(String adapter, long seq, long atMillis) implements Fact {}

    /** What the manifests of these sequence numbers were made of is kept no longer; that there were any is. */
    record ManifestsExpired(String adapter, long fromSeq, long upToSeq) implements Fact {}

    record AliasMoved(AliasRecord alias, AuditEntry entry) implements Fact {}

    /** These references end; a blob without any is dropped. */
    record BlobsReleased(String adapter, List<BlobReference> references) implements Fact {
        public BlobsReleased {
            references = List.copyOf(references);
        }
    }

    /** Nobody can read any more what a user said. */
    record Erased(Tombstone.OfUser user) implements Fact {}

    record Withdrawn(Set<Tombstone> tombstones) implements Fact {
        public Withdrawn {
            tombstones = Set.copyOf(tombstones);
        }
    }
}
