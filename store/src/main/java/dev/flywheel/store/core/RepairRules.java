package dev.flywheel.store.core;

import static dev.flywheel.store.core.BrokenInvariantException.require;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RepairKind;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.Refusal.Reason;
import dev.flywheel.store.core.RepairPlan.Order;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Changes what an adapter has learned: step 6 of the protocol.
 *
 * <p>One commit shuts the writer out, abandons its open rounds and moves HEAD to an ancestor that training can continue from.
 * Rounds that are taken out are quarantined; those that are kept stand in {@link Repair#getLeftList}, to be claimed again one by
 * one ({@link ReplayRules}) by whoever takes the next epoch. Nothing of it is lost by a crash, and no claim is ever free
 * meanwhile: a replaced manifest holds its examples until another does.
 *
 * <p>What would have to be trained again and is expired ({@link ExpiryRules}) stands in the way of all but forgetting: that begins
 * anew from version 0, with what is kept.
 */
final class RepairRules {
    private final Retention retention;
    private final RepairStart start;

    RepairRules(Retention retention) {
        this.retention = retention;
        this.start = new RepairStart(retention);
    }

    // What is asked for.

    Decision<Repair> rollback(StoreState state, Command.Rollback command, CommitView view) {
        RollbackRequest request = command.request();
        AdapterState adapter = state.live(request.getAdapter());
        Refusal refusal = refusal(adapter, request.getAdapter(), request.getExpectedHead());
        if (adapter == null || refusal != null) {
            return new Decision.Refused<>(orMissing(refusal, request.getAdapter()));
        }
        long to = request.getVersion();
        if (!adapter.lineage().holds(to)) {
            return new Decision.Refused<>(strange(adapter, to));
        }
        if (to == adapter.head() && adapter.repairLeft().isEmpty()) {
            return new Decision.Accepted<>(List.of(), Repair.getDefaultInstance());
        }
        VersionRanges kept = adapter.lineage().upTo(to);
        return carryOut(new RepairPlan(adapter, to, version -> !kept.holds(version),
                VersionRanges.NONE, false, Set.of()),
                new Order(RepairKind.REPAIR_KIND_ROLLBACK, AuditAction.AUDIT_ACTION_ROLLED_BACK,
                        request.getActor(), request.getReason(), command.atMillis()),
                view);
    }

    Decision<Repair> excise(StoreState state, Command.Excise command, CommitView view) {
        ExciseRequest request = command.request();
        AdapterState adapter = state.live(request.getAdapter());
        Refusal refusal = refusal(adapter, request.getAdapter(), request.getExpectedHead());
        if (adapter == null || refusal != null) {
            return new Decision.Refused<>(orMissing(refusal, request.getAdapter()));
        }
        Set<Long> versions = new TreeSet<>(request.getVersionsList());
        for (long version : versions) {
            if (version == 0 || !adapter.lineage().holds(version)) {
                return new Decision.Refused<>(strange(adapter, version));
            }
        }
        return carryOut(
                new RepairPlan(adapter, before(adapter, versions), versions::contains,
                        VersionRanges.NONE, false, Set.of()),
                new Order(RepairKind.REPAIR_KIND_EXCISION, AuditAction.AUDIT_ACTION_EXCISED,
                        request.getActor(), request.getReason(), command.atMillis()),
                view);
    }

    /** HEAD stays: what was taken out is trained again upon it. */
    Decision<Repair> readmit(StoreState state, Command.Readmit command, CommitView view) {
        ReadmitRequest request = command.request();
        AdapterState adapter = state.live(request.getAdapter());
        Refusal refusal = refusal(adapter, request.getAdapter(), request.getExpectedHead());
        if (adapter == null || refusal != null) {
            return new Decision.Refused<>(orMissing(refusal, request.getAdapter()));
        }
        VersionRanges back = VersionRanges.NONE;
        for (long number : new TreeSet<>(request.getVersionsList())) {
            VersionRecord version = view.version(adapter.name(), number);
            if (version == null || version.getState() != VersionState.VERSION_STATE_ROLLED_BACK) {
                return new Decision.Refused<>(notOut(adapter, number));
            }
            back = back.with(number);
        }
        return carryOut(
                new RepairPlan(adapter, adapter.head(), version -> false, back, true, Set.of()),
                new Order(RepairKind.REPAIR_KIND_READMISSION,
                        AuditAction.AUDIT_ACTION_READMITTED, request.getActor(),
                        request.getReason(), command.atMillis()),
                view);
    }

    private static Refusal notOut(AdapterState adapter, long version) {
        return Refusal.of(Reason.VERSION_NOT_ROLLED_BACK,
                "version " + Long.toUnsignedString(version) + " of " + adapter.name(),
                "the round of version " + Long.toUnsignedString(version) + " of "
                        + adapter.name() + " is not one that was taken out; list its versions");
    }

    Decision<Repair> forget(StoreState state, Command.Forget command, CommitView view) {
        AdapterState adapter = state.live(command.adapter());
        if (adapter == null) {
            return new Decision.Refused<>(Refusal.noAdapter(command.adapter()));
        }
        Set<Long> versions = new TreeSet<>();
        boolean open = false;
        for (long seq : command.manifests()) {
            ManifestEntry entry = view.manifestEntry(adapter.name(), seq);
            open |= adapter.open().containsKey(seq);
            if (entry != null && adapter.lineage().holds(entry.summary().getVersion())
                    && entry.summary().getState() == ManifestState.MANIFEST_STATE_COMMITTED) {
                versions.add(entry.summary().getVersion());
            }
        }
        Order order = new Order(RepairKind.REPAIR_KIND_FORGETTING,
                AuditAction.AUDIT_ACTION_FORGOTTEN, command.actor(), command.reason(),
                command.atMillis());
        if (versions.isEmpty() && !open) {
            return offTainted(adapter, command, order, view);
        }
        Set<Long> tainted = new TreeSet<>(command.tainted());
        tainted.addAll(versions);
        RepairPlan plan = new RepairPlan(adapter, before(adapter, versions), version -> false,
                VersionRanges.NONE, !command.atOnce(), tainted);
        return start.begin(plan.lost(view) == 0 ? plan : plan.rebased(view), order, view);
    }

    /** HEAD did not come from the user, or will not any more; aliases of versions that were taken out still may. */
    private Decision<Repair> offTainted(AdapterState adapter, Command.Forget command, Order order,
            CommitView view) {
        List<Fact> facts = new ArrayList<>();
        AdapterState after = adapter;
        for (Fact.AliasMoved move : RepairStart.others(adapter, List.of(), command.tainted(), order,
                !adapter.record().getRepair().hasServing())) {
            facts.add(move);
            after = after.after(move);
        }
        Releases.add(facts, adapter, after, retention, view);
        return new Decision.Accepted<>(facts, Repair.getDefaultInstance());
    }

    Decision<Repair> forget(StoreState state, Command.ForgetWithdrawn command, CommitView view) {
        AdapterState adapter = state.live(command.adapter());
        return adapter == null ? new Decision.Refused<>(Refusal.noAdapter(command.adapter()))
                : forget(state, new Command.Forget(command.adapter(),
                        adapter.withdrawn().keySet(), Set.of(), false, "store",
                        "feedback was withdrawn after it had been trained on",
                        command.atMillis()), view);
    }

    /** Only of one who was forgotten: a key that is needed again would have been made anew, and hide that there was another. */
    Decision<Boolean> erase(Command.Erase command, CommitView view) {
        require(view.tombstones(Set.of(command.user())).contains(command.user()),
                "a user is erased who is not forgotten");
        return new Decision.Accepted<>(List.of(new Fact.Erased(command.user())), true);
    }

    /** The version before the oldest of these on the lineage; HEAD if there are none. */
    private static long before(AdapterState adapter, Set<Long> versions) {
        long before = adapter.head();
        long back = 0;
        for (long left = versions.size(); left > 0; back++) {
            if (versions.contains(adapter.lineage().beforeLast(back))) {
                left--;
                before = adapter.lineage().beforeLast(back + 1);
            }
        }
        return before;
    }

    private static @Nullable Refusal refusal(@Nullable AdapterState adapter, String name,
            long expectedHead) {
        if (adapter == null) {
            return Refusal.noAdapter(name);
        }
        return adapter.head() == expectedHead ? null
                : Refusal.conflict(Reason.HEAD_CONFLICT, "adapter " + name,
                        "HEAD of " + name + " is " + adapter.head() + ", expected was "
                                + Long.toUnsignedString(expectedHead)
                                + "; read it again and decide anew",
                        expectedHead, adapter.head());
    }

    private static Refusal orMissing(@Nullable Refusal refusal, String name) {
        return refusal == null ? Refusal.noAdapter(name) : refusal;
    }

    private Decision<Repair> carryOut(RepairPlan plan, Order order, CommitView view) {
        long lost = plan.lost(view);
        return lost == 0 ? start.begin(plan, order, view)
                : new Decision.Refused<>(expired(plan.adapter(), lost, view));
    }

    private static Refusal expired(AdapterState adapter, long version, CommitView view) {
        return Refusal.of(Reason.VERSION_EXPIRED,
                "version " + Long.toUnsignedString(version) + " of " + adapter.name(),
                "version " + Long.toUnsignedString(version) + " of " + adapter.name()
                        + " would have to be trained again, but its manifest is older than"
                        + " store.manifests_kept and gone; name versions after "
                        + ExpiryRules.newestExpired(adapter, view)
                        + ", or go back to that one, to one that an alias names, or to 0");
    }

    private static Refusal strange(AdapterState adapter, long version) {
        return Refusal.of(Reason.VERSION_NOT_IN_LINEAGE,
                "version " + Long.toUnsignedString(version) + " of " + adapter.name(),
                "HEAD of " + adapter.name() + " did not come from a round of version "
                        + Long.toUnsignedString(version) + "; name one of "
                        + adapter.lineage());
    }

    // What follows, round by round.

    /** The facts by which a repair has one round less to train, see {@link Repair#getServingRound}. */
    static List<Fact> advanced(AdapterState adapter, long atMillis) {
        Repair repair = adapter.record().getRepair();
        VersionRanges left = adapter.repairLeft().withoutFirst();
        boolean served = repair.hasServing()
                && repair.getServingRound() == adapter.repairLeft().first();
        AdapterRecord.Builder record = adapter.record().toBuilder();
        record.getRepairBuilder().clearLeft().addAllLeft(left.asList());
        if (served) {
            record.getRepairBuilder().clearServing().clearServingRound();
        }
        Fact.RepairAdvanced advanced = left.isEmpty()
                ? new Fact.RepairAdvanced(record.clearRepair().build(), done(adapter, atMillis))
                : new Fact.RepairAdvanced(record.build(), null);
        return served ? withServing(adapter, advanced, repair, atMillis) : List.of(advanced);
    }

    private static AuditEntry done(AdapterState adapter, long atMillis) {
        Repair repair = adapter.record().getRepair();
        return AuditEntry.newBuilder()
                .setSequence(adapter.audits() + 1)
                .setAtMillis(atMillis)
                .setAdapter(adapter.name())
                .setFromVersion(repair.getBaseVersion())
                .setToVersion(adapter.head())
                .setActor("store")
                .setReason("trained again what was left of " + repair.getRounds() + " rounds")
                .setAction(AuditAction.AUDIT_ACTION_REPAIRED)
                .build();
    }

    /** Unless somebody has moved it meanwhile. */
    private static List<Fact> withServing(AdapterState adapter, Fact.RepairAdvanced advanced,
            Repair repair, long atMillis) {
        AliasRecord serving = adapter.alias(AliasRules.SERVING);
        if (serving == null || serving.getVersion() != repair.getServing()
                || serving.getVersion() == adapter.head()) {
            return List.of(advanced);
        }
        return List.of(advanced, AliasRules.moved(adapter.after(advanced), AliasRules.SERVING,
                adapter.head(), "store", "repaired", atMillis));
    }

    // What is given up.

    /** What a repair of a deleted adapter has left is quarantined: nobody will train it. */
    static Fact.@Nullable HeadMoved givenUp(AdapterState adapter, String actor, long atMillis,
            CommitView view) {
        VersionRanges left = adapter.repairLeft();
        if (left.isEmpty()) {
            return null;
        }
        AuditEntry entry = AuditEntry.newBuilder()
                .setSequence(adapter.audits() + 1)
                .setAtMillis(atMillis)
                .setAdapter(adapter.name())
                .setFromVersion(adapter.head())
                .setToVersion(adapter.head())
                .setActor(actor)
                .setReason("its repair is given up")
                .setAction(AuditAction.AUDIT_ACTION_ROLLED_BACK)
                .build();
        return new Fact.HeadMoved(adapter.record().toBuilder().clearRepair().build(),
                adapter.headVersion(),
                left.numbers()
                        .stream()
                        .map(number -> RepairStart.ended(adapter.name(), number, true, view))
                        .toList(),
                entry);
    }
}
