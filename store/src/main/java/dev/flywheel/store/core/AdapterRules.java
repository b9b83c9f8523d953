package dev.flywheel.store.core;

import dev.flywheel.api.fault.Failpoints;
import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AcquireEpochReply;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ConfigureAdapterRequest;
import dev.flywheel.api.v1.CreateAdapterRequest;
import dev.flywheel.api.v1.DeleteAdapterRequest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.Outcome;
import dev.flywheel.api.v1.PutOutcomeRequest;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionRef;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How an adapter comes to be, changes and ends, and who may write to it. */
final class AdapterRules {
    private static final long FIRST_REVISION = 1;

    private final Limits limits;
    private final Retention retention;

    AdapterRules(Limits limits, Retention retention) {
        this.limits = limits;
        this.retention = retention;
    }

    // Making.

    Decision<AdapterRecord> create(StoreState state, Command.CreateAdapter command,
            CommitView view) {
        CreateAdapterRequest request = command.request();
        Refusal refusal = refusal(state, request, view);
        if (refusal != null) {
            return new Decision.Refused<>(refusal);
        }
        AdapterRecord record = AdapterRecord.newBuilder()
                .setName(request.getName())
                .setTenant(request.getTenant())
                .setBaseDigest(request.getBaseDigest())
                .setLora(request.getLora())
                .setRound(request.getRound())
                .setRelease(request.getRelease())
                .putAllPeftFields(request.getPeftFieldsMap())
                .setLearning(request.getLearning())
                .setExploration(request.getExploration())
                .setQuota(request.getQuota())
                .setRevision(FIRST_REVISION)
                .setCreatedAtMillis(command.atMillis())
                .build();
        AuditEntry entry = entry(record, 1, AuditAction.AUDIT_ACTION_CREATED, command.atMillis())
                .setActor(request.getActor())
                .build();
        Fact.AdapterCreated created =
                new Fact.AdapterCreated(record, start(request, command), entry);
        AdapterState adapter = AdapterState.created(created);
        Fact.AliasMoved serving = AliasRules.moved(adapter, AliasRules.SERVING, 0, "store",
                "adapter created", command.atMillis());
        return new Decision.Accepted<>(List.of(created, serving), record);
    }

    private @Nullable Refusal refusal(StoreState state, CreateAdapterRequest request,
            CommitView view) {
        String subject = "adapter " + request.getName();
        AdapterState taken = state.adapter(request.getName());
        if (taken != null) {
            return Refusal.of(Reason.ADAPTER_EXISTS, subject, taken.deleted()
                    ? subject + " was deleted and its name stays taken; choose another name"
                    : subject + " exists already; choose another name");
        }
        if (state.adapterCount() >= limits.adaptersMax()) {
            return Refusal.of(Reason.TOO_MANY_ADAPTERS, subject,
                    "the store holds " + state.adapterCount()
                            + " adapters, deleted ones included, allowed are "
                            + limits.adaptersMax() + "; raise store.adapters_max");
        }
        return view.hasBlob(request.getStartDigest()) ? null
                : OutcomeRules.missing("start_digest", request.getStartDigest());
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

    private static AuditEntry.Builder entry(AdapterRecord record, long sequence,
            AuditAction action, long atMillis) {
        return AuditEntry.newBuilder()
                .setSequence(sequence)
                .setAtMillis(atMillis)
                .setAdapter(record.getName())
                .setAction(action)
                .setRevision(record.getRevision());
    }

    // Changing.

    /** What changes nothing is no change: no revision, no entry. */
    Decision<AdapterRecord> configure(StoreState state, Command.ConfigureAdapter command) {
        ConfigureAdapterRequest request = command.request();
        AdapterState adapter = state.live(request.getName());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(request.getName()));
        }
        Refusal conflict = conflict(adapter, request.getExpectedRevision());
        if (conflict != null) {
            return new Decision.Refused<>(conflict);
        }
        AdapterRecord before = adapter.record();
        AdapterRecord.Builder after = configured(before, request);
        String changes = SettingLines.changes(before, after.build());
        if (changes.isEmpty()) {
            return new Decision.Accepted<>(List.of(), before);
        }
        AdapterRecord changed = after.setRevision(before.getRevision() + 1).build();
        AuditEntry entry = entry(changed, adapter.audits() + 1,
                AuditAction.AUDIT_ACTION_CONFIGURED, command.atMillis())
                .setActor(request.getActor())
                .setReason(request.getReason())
                .setChanges(changes)
                .build();
        return new Decision.Accepted<>(List.of(new Fact.AdapterChanged(changed, entry)), changed);
    }

    private static AdapterRecord.Builder configured(AdapterRecord before,
            ConfigureAdapterRequest request) {
        AdapterRecord.Builder after = before.toBuilder();
        if (request.hasRound()) {
            after.setRound(request.getRound());
        }
        if (request.getRelease() != ReleasePolicy.RELEASE_POLICY_UNSPECIFIED) {
            after.setRelease(request.getRelease());
        }
        if (request.hasLearning()) {
            after.setLearning(request.getLearning());
        }
        if (request.hasExploration()) {
            after.setExploration(request.getExploration());
        }
        if (request.hasQuota()) {
            after.setQuota(request.getQuota());
        }
        return after;
    }

    private static @Nullable Refusal conflict(AdapterState adapter, long expected) {
        long revision = adapter.record().getRevision();
        if (revision == expected) {
            return null;
        }
        String subject = "adapter " + adapter.name();
        return Refusal.conflict(Reason.ADAPTER_CONFLICT, subject,
                subject + " is at revision " + revision + ", expected was "
                        + Long.toUnsignedString(expected) + "; read it again and decide anew",
                expected, revision);
    }

    // Ending.

    /** A new epoch shuts out whoever trains it now; what was claimed and not ended can be claimed again, by no one here. */
    Decision<AdapterRecord> delete(StoreState state, Command.DeleteAdapter command,
            CommitView view) {
        DeleteAdapterRequest request = command.request();
        AdapterState adapter = state.live(request.getName());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(request.getName()));
        }
        Refusal conflict = conflict(adapter, request.getExpectedRevision());
        if (conflict != null) {
            return new Decision.Refused<>(conflict);
        }
        List<Fact> facts = new ArrayList<>();
        Fact.EpochAcquired fence =
                new Fact.EpochAcquired(adapter.name(), adapter.epoch() + 1, request.getActor());
        facts.add(fence);
        AdapterState after = adapter.after(fence);
        for (OpenManifest open : adapter.open().values()) {
            Fact.ManifestEnded abandoned = abandoned(after, open, view);
            facts.add(abandoned);
            after = after.after(abandoned);
        }
        Fact.HeadMoved givenUp =
                RepairRules.givenUp(after, request.getActor(), command.atMillis(), view);
        if (givenUp != null) {
            facts.add(givenUp);
            after = after.after(givenUp);
        }
        Fact.AdapterChanged deleted = deleted(after, command);
        facts.add(deleted);
        Releases.add(facts, adapter, after.after(deleted), retention, view);
        return new Decision.Accepted<>(facts, deleted.adapter());
    }

    static Fact.ManifestEnded abandoned(AdapterState adapter, OpenManifest open,
            CommitView view) {
        PutOutcomeRequest outcome = PutOutcomeRequest.newBuilder()
                .setAdapter(adapter.name())
                .setSeq(open.seq())
                .setEpoch(adapter.epoch())
                .setOutcome(Outcome.OUTCOME_ABANDONED)
                .build();
        return OutcomeRules.ended(outcome, ManifestState.MANIFEST_STATE_ABANDONED,
                OutcomeRules.claimed(outcome, view), open.replays());
    }

    private static Fact.AdapterChanged deleted(AdapterState adapter,
            Command.DeleteAdapter command) {
        AdapterRecord record = adapter.record()
                .toBuilder()
                .setRevision(adapter.record().getRevision() + 1)
                .setDeletedAtMillis(Math.max(1, command.atMillis())) // 0 says that it was not
                .build();
        AuditEntry entry = entry(record, adapter.audits() + 1, AuditAction.AUDIT_ACTION_DELETED,
                command.atMillis())
                .setActor(command.request().getActor())
                .setReason(command.request().getReason())
                .build();
        return new Fact.AdapterChanged(record, entry);
    }

    // Writing.

    Decision<AcquireEpochReply> acquire(StoreState state, Command.AcquireEpoch command) {
        AdapterState adapter = state.live(command.request().getAdapter());
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
        if (epoch == adapter.epoch() || Failpoints.broken("epoch")) {
            return null;
        }
        if (adapter.epoch() == adapter.repairEpoch()
                && epoch == adapter.epoch() - 1) {
            return Refusal.conflict(Reason.REPAIR_BEGAN, "adapter " + adapter.name(),
                    "what " + adapter.name()
                            + " has learned is being repaired; acquire an epoch to go on with that",
                    epoch, adapter.epoch());
        }
        return Refusal.conflict(Reason.STALE_EPOCH, "adapter " + adapter.name(),
                "epoch " + Long.toUnsignedString(epoch) + " of " + adapter.name()
                        + " is not the current one, which is " + adapter.epoch()
                        + "; another writer took over, acquire an epoch to write again",
                epoch, adapter.epoch());
    }
}
