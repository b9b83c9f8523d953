package dev.flywheel.store.core;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.SetAliasRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.Refusal.Reason;
import java.util.ArrayList;
import java.util.List;

/**
 * Moves aliases by compare-and-set (P5).
 *
 * <p>Whenever {@code serving} moves, {@code previous} takes its old place in the same commit, so the way back is always named.
 */
final class AliasRules {
    static final String SERVING = "serving";
    static final String PREVIOUS = "previous";

    private final Limits limits;
    private final Retention retention;

    AliasRules(Limits limits, Retention retention) {
        this.limits = limits;
        this.retention = retention;
    }

    Decision<AliasRecord> set(StoreState state, Command.SetAlias command, CommitView view) {
        SetAliasRequest request = command.request();
        AdapterState adapter = state.live(request.getAdapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(request.getAdapter()));
        }
        AliasRecord current = adapter.alias(request.getAlias());
        long revision = current == null ? 0 : current.getRevision();
        String subject = "alias " + request.getAlias() + " of " + request.getAdapter();
        if (revision != request.getExpectedRevision()) {
            return new Decision.Refused<>(Refusal.conflict(Reason.ALIAS_CONFLICT, subject,
                    subject + " is at revision " + revision + ", expected was "
                            + Long.toUnsignedString(request.getExpectedRevision())
                            + "; read it again and decide anew",
                    request.getExpectedRevision(), revision));
        }
        if (current == null && adapter.aliases().size() >= limits.aliasesMax()) {
            return new Decision.Refused<>(Refusal.of(Reason.TOO_MANY_ALIASES, subject,
                    request.getAdapter() + " has " + adapter.aliases().size()
                            + " aliases, allowed are " + limits.aliasesMax()
                            + "; move one instead"));
        }
        VersionRecord target = view.version(request.getAdapter(), request.getVersion());
        if (target == null) {
            return new Decision.Refused<>(noVersion(request.getAdapter(), request.getVersion()));
        }
        if (target.getState() == VersionState.VERSION_STATE_REPLACED) {
            return new Decision.Refused<>(Refusal.of(Reason.VERSION_NOT_KEPT,
                    "version " + request.getVersion() + " of " + request.getAdapter(),
                    "version " + request.getVersion() + " of " + request.getAdapter()
                            + " is replaced by one that learned without what was taken out; choose one that HEAD came from"));
        }
        if (!retention.keepsWeights(adapter, target)) {
            return new Decision.Refused<>(Refusal.of(Reason.VERSION_NOT_KEPT,
                    "version " + request.getVersion() + " of " + request.getAdapter(),
                    "the weights of version " + request.getVersion() + " of "
                            + request.getAdapter()
                            + " are no longer kept; choose one of the newest "
                            + retention.versionsKept() + ", an aliased one, or a multiple of "
                            + retention.snapshotEvery()));
        }
        return carryOut(adapter, request, command.atMillis(), view);
    }

    private Decision<AliasRecord> carryOut(AdapterState adapter, SetAliasRequest request,
            long atMillis, CommitView view) {
        List<Fact> facts = new ArrayList<>();
        AdapterState after = adapter;
        for (Fact.AliasMoved move : moves(adapter, request.getAlias(), request.getVersion(),
                request.getActor(), request.getReason(), atMillis)) {
            facts.add(move);
            after = after.after(move);
        }
        Releases.add(facts, adapter, after, retention, view);
        AliasRecord moved = ((Fact.AliasMoved) facts.getFirst()).alias();
        return new Decision.Accepted<>(facts, moved);
    }

    /** The asked move first, then what follows from it. */
    static List<Fact.AliasMoved> moves(AdapterState adapter, String alias, long version,
            String actor, String reason, long atMillis) {
        AliasRecord before = adapter.alias(alias);
        Fact.AliasMoved asked = moved(adapter, alias, version, actor, reason, atMillis);
        if (!alias.equals(SERVING) || before == null || before.getVersion() == version) {
            return List.of(asked);
        }
        return List.of(asked, moved(adapter.after(asked), PREVIOUS, before.getVersion(), actor,
                "serving moved to version " + version, atMillis));
    }

    static Fact.AliasMoved moved(AdapterState adapter, String alias, long version, String actor,
            String reason, long atMillis) {
        AliasRecord before = adapter.alias(alias);
        AliasRecord after = AliasRecord.newBuilder()
                .setAdapter(adapter.name())
                .setAlias(alias)
                .setVersion(version)
                .setRevision(before == null ? 1 : before.getRevision() + 1)
                .build();
        AuditEntry entry = AuditEntry.newBuilder()
                .setSequence(adapter.audits() + 1)
                .setAtMillis(atMillis)
                .setAdapter(adapter.name())
                .setAlias(alias)
                .setFromVersion(before == null ? 0 : before.getVersion())
                .setToVersion(version)
                .setActor(actor)
                .setReason(reason)
                .setAction(AuditAction.AUDIT_ACTION_ALIAS_MOVED)
                .build();
        return new Fact.AliasMoved(after, entry);
    }

    static Refusal noVersion(String adapter, long number) {
        String subject = "version " + Long.toUnsignedString(number) + " of " + adapter;
        return Refusal.of(Reason.VERSION_NOT_FOUND, subject, "there is no " + subject);
    }
}
