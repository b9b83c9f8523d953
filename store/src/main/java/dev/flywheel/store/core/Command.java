package dev.flywheel.store.core;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AcquireEpochRequest;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.PutReplayReply;
import dev.flywheel.api.v1.PutReplayRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.WithdrawReply;
import dev.flywheel.api.v1.WithdrawRequest;
import java.util.Set;

/**
 * A wish to change the store, with the time at which it came. Fields have been checked one by one at the border; what they
 * mean together with the state is decided by {@link CommitRules}.
 *
 * @param <R> the reply if it is carried out
 */
public sealed interface Command<R> {

    /** Milliseconds since 1970. */
    long atMillis();

    record CreateAdapter(CreateAdapterRequest request, long atMillis)
            implements
                Command<AdapterRecord> {}

    record ConfigureAdapter(ConfigureAdapterRequest request, long atMillis)
            implements
                Command<AdapterRecord> {}

    record DeleteAdapter(DeleteAdapterRequest request, long atMillis)
            implements
                Command<AdapterRecord> {}

    record AcquireEpoch(AcquireEpochRequest request, long atMillis)
            implements
                Command<AcquireEpochReply> {}

    record PutManifest(PutManifestRequest request, long atMillis)
            implements
                Command<PutManifestReply> {}

    record PutOutcome(PutOutcomeRequest request, long atMillis)
            implements
                Command<PutOutcomeReply> {}

    record PutReplay(PutReplayRequest request, long atMillis) implements Command<PutReplayReply> {}

    record Rollback(RollbackRequest request, long atMillis) implements Command<Repair> {}

    record Readmit(ReadmitRequest request, long atMillis) implements Command<Repair> {}

    record Excise(ExciseRequest request, long atMillis) implements Command<Repair> {}

    /**
     * Has an adapter learn again without what was withdrawn of these manifests. Without a manifest that taught it anything no more
     * than aliases are moved, and the reply is empty.
     *
     * @param tainted versions, of whatever state, that no alias is to name any more
     */
    record Forget(
            String adapter,
            Set<Long> manifests,
            Set<Long> tainted,
            boolean atOnce,
            String actor,
            String reason,
            long atMillis) implements Command<Repair> {
        public Forget {
            manifests = Set.copyOf(manifests);
            tainted = Set.copyOf(tainted);
        }
    }

    /** {@link Forget} of all manifests that are known to hold what was withdrawn. */
    record ForgetWithdrawn(String adapter, long atMillis) implements Command<Repair> {}

    record SetAlias(SetAliasRequest request, long atMillis) implements Command<AliasRecord> {}

    /** Withdraws a feedback event; the reply says whether a manifest has claimed it. */
    record WithdrawFeedback(WithdrawRequest request, long atMillis)
            implements
                Command<WithdrawReply> {}

    /** Lets go of manifests that are older than they have to be kept; the reply says whether there were any. There may be more. */
    record Expire(String adapter, long atMillis) implements Command<Boolean> {}

    /** Deletes the key of a user of whom nothing is learned any more. */
    record Erase(Tombstone.OfUser user, long atMillis) implements Command<Boolean> {}

    /** Withdraws what a later claim must refuse. The reply is what was not withdrawn before. */

    record Withdraw(Set<Tombstone> tombstones, long atMillis) implements Command<Set<Tombstone>> {
        public Withdraw {
            tombstones = Set.copyOf(tombstones);
        }
    }
}
