package dev.flywheel.store.core;

import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How an adapter comes to be, and who may write to it. */
final class AdapterRules {
    private final Limits limits;

    AdapterRules(Limits limits) {
        this.limits = limits;
    }

    Decision<AdapterRecord> create(StoreState state, Command.CreateAdapter command,
            CommitView view) {
        CreateAdapterRequest request = command.request();
        String subject = "adapter " + request.getName();
        if (state.adapter(request.getName()) != null) {
            return new Decision.Refused<>(Refusal.of(Reason.ADAPTER_EXISTS, subject,
                    "adapter " + request.getName() + " exists already; choose another name"));
        }
        if (state.adapterCount() >= limits.adaptersMax()) {
            return new Decision.Refused<>(Refusal.of(Reason.TOO_MANY_ADAPTERS, subject,
                    "the store holds " + state.adapterCount() + " adapters, allowed are "
                            + limits.adaptersMax() + "; raise store.adapters_max"));
        }
        if (!view.hasBlob(request.getStartDigest())) {
            return new Decision.Refused<>(OutcomeRules.missing("start_digest",
                    request.getStartDigest()));
        }
        AdapterRecord record = AdapterRecord.newBuilder()
                .setName(request.getName())
                .setTenant(request.getTenant())
                .setBaseDigest(request.getBaseDigest())
                .setLora(request.getLora())
                .setRound(request.getRound())
                .setRelease(request.getRelease())
                .putAllPeftFields(request.getPeftFieldsMap())
                .setCreatedAtMillis(command.atMillis())
                .build();
        Fact.AdapterCreated created = new Fact.AdapterCreated(record, start(request, command));
        AdapterState adapter = AdapterState.created(created);
        Fact.AliasMoved serving = AliasRules.moved(adapter, AliasRules.SERVING, 0, "store",
                "adapter created", command.atMillis());
        return new Decision.Accepted<>(List.of(created, serving), record);
    }

    private static VersionRecord start(CreateAdapterRequest request,
            Command.CreateAdapter command) {
        return VersionRecord.newBuilder()
                .setRef(VersionRef.newBuilder()
                        .setAdapter(request.getName())
                        .setNumber(0)
                        .setDigest(request.getStartDigest())
                        .setBaseDigest(request.getBaseDigest()))
                .setState(VersionState.VERSION_STATE_COMMITTED)
                .setCreatedAtMillis(command.atMillis())
                .build();
    }

    Decision<AcquireEpochReply> acquire(StoreState state, Command.AcquireEpoch command) {
        AdapterState adapter = state.adapter(command.request().getAdapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(command.request().getAdapter()));
        }
        long epoch = adapter.epoch() + 1;
        AcquireEpochReply reply = AcquireEpochReply.newBuilder()
                .setEpoch(epoch)
                .setHead(adapter.head())
                .setNextSeq(adapter.nextSeq())
                .setAdapter(adapter.record())
                .build();
        return new Decision.Accepted<>(List.of(new Fact.EpochAcquired(adapter.name(), epoch,
                command.request().getWriter())), reply);
    }

    /** Null if this epoch is the current one. */
    static @Nullable Refusal stale(AdapterState adapter, long epoch) {
        if (epoch == adapter.epoch()) {
            return null;
        }
        return Refusal.conflict(Reason.STALE_EPOCH, "adapter " + adapter.name(),
                "epoch " + Long.toUnsignedString(epoch) + " of " + adapter.name()
                        + " is not the current one, which is " + adapter.epoch()
                        + "; another writer took over, acquire an epoch to write again",
                epoch, adapter.epoch());
    }
}
