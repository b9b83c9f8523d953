package dev.flywheel.store.core;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AcquireEpochRequest;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.PutManifestReply;
import dev.flywheel.api.v1.PutManifestRequest;
import dev.flywheel.api.v1.PutOutcomeReply;
import dev.flywheel.api.v1.PutOutcomeRequest;
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

    record SetAlias(SetAliasRequest request, long atMillis) implements Command<AliasRecord> {}

    /** Withdraws a feedback event; the reply says whether a manifest has claimed it. */
    record WithdrawFeedback(WithdrawRequest request, long atMillis)
            implements
                Command<WithdrawReply> {}

    /** Withdraws what a later claim must refuse. The reply is what was not withdrawn before. */
    record Withdraw(Set<Tombstone> tombstones, long atMillis) implements Command<Set<Tombstone>> {
        public Withdraw {
            tombstones = Set.copyOf(tombstones);
        }
    }
}
