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
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Changes what an adapter has learned: step 6 of the protocol.
 *
 * <p>One commit shuts the writer out, abandons its open rounds and moves HEAD to an ancestor that training can continue from.
 * Rounds that are taken out are quarantined; those that are kept stand in {@link Repair#getLeftList}, to be claimed again one by
 * one ({@link ReplayRules}) by whoever takes the next epoch. Nothing of it is lost by a crash, and no claim is ever free
 * meanwhile: a replaced manifest holds its examples until another does.
 */
final class RepairRules {
    private final Retention retention;

    RepairRules(Retention retention) {
        this.retention = retention;
    }

    /** Who asked for what, for the audit. */
    private record Order(
            RepairKind kind,
            AuditAction action,
            String actor,
            String reason,
            long atMillis) {}

    /**
     * What is to become of an adapter.
     *
     * @param target the newest version on HEAD's lineage that nothing of what goes is in
     * @param goes versions whose rounds are taken out and quarantined
     * @param back versions that were taken out before and come back
     * @param servingWaits {@code serving} stays where it is until all is trained again
     * @param tainted versions that no alias is to name any more, besides those that are ended if there are any
     */
    private record Plan(
            AdapterState adapter,
            long target,
            LongPredicate goes,
            VersionRanges back,
            boolean servingWaits,
            Set<Long> tainted) {
        boolean aliasesToo() {
            return !tainted.isEmpty();
        }
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
        return carryOut(new Plan(adapter, to, version -> !kept.holds(version),
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
                new Plan(adapter, before(adapter, versions), versions::contains,
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
                new Plan(adapter, adapter.head(), version -> false, back, false, Set.of()),
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
        return carryOut(new Plan(adapter, before(adapter, versions), version -> false,
                VersionRanges.NONE, !command.atOnce(), tainted), order, view);
    }

    /** HEAD did not come from the user, or will not any more; aliases of versions that were taken out still may. */
    private Decision<Repair> offTainted(AdapterState adapter, Command.Forget command, Order order,
            CommitView view) {
        List<Fact> facts = new ArrayList<>();
        AdapterState after = adapter;
        for (Fact.AliasMoved move : others(adapter, List.of(), command.tainted(), order,
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

    private static Refusal strange(AdapterState adapter, long version) {
        return Refusal.of(Reason.VERSION_NOT_IN_LINEAGE,
                "version " + Long.toUnsignedString(version) + " of " + adapter.name(),
                "HEAD of " + adapter.name() + " did not come from a round of version "
                        + Long.toUnsignedString(version) + "; name one of "
                        + adapter.lineage());
    }

    // What is done.

    private Decision<Repair> carryOut(Plan plan, Order order, CommitView view) {
        AdapterState adapter = plan.adapter();
        List<Fact> facts = new ArrayList<>();
        AdapterState after = shutOut(facts, adapter, order.actor(), view);
        Fact.HeadMoved moved = moved(plan, after, order, view);
        facts.add(moved);
        after = after.after(moved);
        for (Fact.AliasMoved alias : aliases(plan, after, moved, order, view)) {
            facts.add(alias);
            after = after.after(alias);
        }
        Releases.add(facts, adapter, after, retention, view);
        return new Decision.Accepted<>(facts, repairOf(moved));
    }

    /** What was begun, also where nothing is left to train. */
    private static Repair repairOf(Fact.HeadMoved moved) {
        return moved.adapter().hasRepair() ? moved.adapter().getRepair()
                : Repair.newBuilder()
                        .setKind(kind(moved.entry().getAction()))
                        .setFromVersion(moved.entry().getFromVersion())
                        .setBaseVersion(moved.entry().getToVersion())
                        .setQuarantined(moved.ended()
                                .stream()
                                .filter(each -> each
                                        .manifest() == ManifestState.MANIFEST_STATE_ROLLED_BACK)
                                .count())
                        .setBeganAtMillis(moved.entry().getAtMillis())
                        .setAuditSequence(moved.entry().getSequence())
                        .build();
    }

    private static RepairKind kind(AuditAction action) {
        return switch (action) {
            case AUDIT_ACTION_ROLLED_BACK -> RepairKind.REPAIR_KIND_ROLLBACK;
            case AUDIT_ACTION_EXCISED -> RepairKind.REPAIR_KIND_EXCISION;
            case AUDIT_ACTION_READMITTED -> RepairKind.REPAIR_KIND_READMISSION;
            default -> RepairKind.REPAIR_KIND_FORGETTING;
        };
    }

    private static AdapterState shutOut(List<Fact> facts, AdapterState adapter, String actor,
            CommitView view) {
        AdapterState after = adapter;
        // Nobody holds the epoch that a repair took: a second one leaves it, so that the writer is known by the one before.
        if (adapter.epoch() != adapter.repairEpoch() || adapter.repairEpoch() == 0) {
            Fact.EpochAcquired fence = new Fact.EpochAcquired(adapter.name(),
                    adapter.epoch() + 1, "repair by " + actor);
            facts.add(fence);
            after = adapter.after(fence);
        }
        for (OpenManifest open : adapter.open().values()) {
            Fact.ManifestEnded abandoned = AdapterRules.abandoned(after, open, view);
            facts.add(abandoned);
            after = after.after(abandoned);
        }
        return after;
    }

    private Fact.HeadMoved moved(Plan plan, AdapterState adapter, Order order, CommitView view) {
        long base = base(adapter.lineage(), plan.target(), adapter.name(), view);
        VersionRanges ended =
                adapter.lineage().after(base).with(adapter.repairLeft()).with(plan.back());
        VersionRanges left = ended.only(number -> !plan.goes().test(number));
        AuditEntry entry = AuditEntry.newBuilder()
                .setSequence(adapter.audits() + 1)
                .setAtMillis(order.atMillis())
                .setAdapter(adapter.name())
                .setFromVersion(adapter.head())
                .setToVersion(base)
                .setActor(order.actor())
                .setReason(order.reason())
                .setAction(order.action())
                .build();
        AdapterRecord.Builder record = adapter.record().toBuilder().setHead(base).clearRepair();
        if (!left.isEmpty()) {
            record.setRepair(repair(entry, order.kind(), left, ended.count()));
            serve(record.getRepairBuilder(), plan, adapter, ended, base, view);
        }
        return new Fact.HeadMoved(record.build(), known(adapter.name(), base, view),
                ends(plan, ended, view), entry);
    }

    private static Repair.Builder repair(AuditEntry entry, RepairKind kind, VersionRanges left,
            long ended) {
        return Repair.newBuilder()
                .setKind(kind)
                .setFromVersion(entry.getFromVersion())
                .setBaseVersion(entry.getToVersion())
                .addAllLeft(left.asList())
                .setRounds(left.count())
                .setQuarantined(ended - left.count())
                .setBeganAtMillis(entry.getAtMillis())
                .setAuditSequence(entry.getSequence());
    }

    /** Where {@code serving} is meanwhile and when it moves on, unless it names something that stands. */
    private static void serve(Repair.Builder repair, Plan plan, AdapterState adapter,
            VersionRanges ended, long base, CommitView view) {
        AliasRecord serving = adapter.alias(AliasRules.SERVING);
        long round = serving == null ? 0 : servingRound(plan, adapter, ended, serving);
        if (serving != null && round != 0) {
            repair.setServingRound(round)
                    .setServing(plan.servingWaits() ? serving.getVersion()
                            : served(plan, base, view));
        }
    }

    /** The last round that is kept up to where {@code serving} was; 0: there is none, or it names something that stands. */
    private static long servingRound(Plan plan, AdapterState adapter, VersionRanges ended,
            AliasRecord serving) {
        long was = parked(adapter, serving.getVersion())
                ? adapter.record().getRepair().getServingRound()
                : serving.getVersion();
        long round = 0;
        for (long number : ended.holds(was) ? ended.numbers() : List.<Long>of()) {
            round = plan.goes().test(number) ? round : number;
            if (number == was) {
                break;
            }
        }
        return round;
    }

    /** Whether an earlier repair, that this one takes over, has left {@code serving} there. */
    private static boolean parked(AdapterState adapter, long version) {
        Repair repair = adapter.record().getRepair();
        return repair.hasServing() && repair.getServing() == version;
    }

    /** The target while its weights are there, though training continues from before it. */
    private static long served(Plan plan, long base, CommitView view) {
        VersionRecord target = known(plan.adapter().name(), plan.target(), view);
        return view.hasBlob(target.getRef().getDigest()) ? plan.target() : base;
    }

    private static List<Fact.HeadMoved.Ended> ends(Plan plan, VersionRanges ended,
            CommitView view) {
        return ended.numbers()
                .stream()
                .map(number -> ended(plan.adapter().name(), number, plan.goes().test(number),
                        view))
                .toList();
    }

    /** The newest version at or below {@code target} whose weights and optimizer state are kept. Version 0's always are. */
    private static long base(VersionRanges lineage, long target, String adapter, CommitView view) {
        VersionRanges upTo = lineage.upTo(target);
        for (long back = 0; back < upTo.count() - 1; back++) {
            VersionRecord version = known(adapter, upTo.beforeLast(back), view);
            if (view.hasBlob(version.getRef().getDigest())
                    && view.hasBlob(version.getOptimizerDigest())) {
                return version.getRef().getNumber();
            }
        }
        return upTo.first();
    }

    private static Fact.HeadMoved.Ended ended(String adapter, long number, boolean goes,
            CommitView view) {
        VersionRecord version = known(adapter, number, view).toBuilder()
                .setState(goes ? VersionState.VERSION_STATE_ROLLED_BACK
                        : VersionState.VERSION_STATE_REPLACED)
                .build();
        return new Fact.HeadMoved.Ended(version, goes ? ManifestState.MANIFEST_STATE_ROLLED_BACK
                : ManifestState.MANIFEST_STATE_REPLACED);
    }

    private static VersionRecord known(String adapter, long number, CommitView view) {
        VersionRecord version = view.version(adapter, number);
        if (version == null) {
            throw new BrokenInvariantException(
                    "version " + number + " of " + adapter + " is gone");
        }
        return version;
    }

    /** {@code serving} first; with it {@code previous}, so that the way back is named, unless that must not be served again. */
    private static List<Fact.AliasMoved> aliases(Plan plan, AdapterState adapter,
            Fact.HeadMoved moved, Order order, CommitView view) {
        Set<Long> ended = new HashSet<>();
        moved.ended().forEach(each -> ended.add(each.version().getRef().getNumber()));
        List<Fact.AliasMoved> moves = new ArrayList<>();
        AliasRecord serving = adapter.alias(AliasRules.SERVING);
        if (!plan.servingWaits() && serving != null && (ended.contains(serving.getVersion())
                || parked(plan.adapter(), serving.getVersion()))) {
            long to = served(plan, adapter.head(), view);
            if (plan.aliasesToo()) {
                moves.add(AliasRules.moved(adapter, AliasRules.SERVING, to, order.actor(),
                        order.reason(), order.atMillis()));
            } else if (to != serving.getVersion()) {
                moves.addAll(AliasRules.moves(adapter, AliasRules.SERVING, to, order.actor(),
                        order.reason(), order.atMillis()));
            }
        }
        if (plan.aliasesToo()) {
            ended.addAll(plan.tainted());
            moves.addAll(others(adapter, moves, ended, order, false));
        }
        return moves;
    }

    private static List<Fact.AliasMoved> others(AdapterState adapter, List<Fact.AliasMoved> before,
            Set<Long> ended, Order order, boolean servingToo) {
        AdapterState after = adapter;
        for (Fact.AliasMoved move : before) {
            after = after.after(move);
        }
        List<Fact.AliasMoved> moves = new ArrayList<>();
        for (AliasRecord alias : adapter.aliases().values()) {
            if ((servingToo || !alias.getAlias().equals(AliasRules.SERVING))
                    && ended.contains(alias.getVersion())) {
                Fact.AliasMoved move = AliasRules.moved(after, alias.getAlias(), adapter.head(),
                        order.actor(), order.reason(), order.atMillis());
                moves.add(move);
                after = after.after(move);
            }
        }
        return moves;
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
                        .map(number -> ended(adapter.name(), number, true, view))
                        .toList(),
                entry);
    }
}
