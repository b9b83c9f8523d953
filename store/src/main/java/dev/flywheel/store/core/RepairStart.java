package dev.flywheel.store.core;

import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.api.v1.ManifestState;
import dev.flywheel.api.v1.ReleasePolicy;
import dev.flywheel.api.v1.Repair;
import dev.flywheel.api.v1.RepairKind;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import dev.flywheel.store.core.RepairPlan.Order;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The commit with which a repair begins: the writer shut out, HEAD where training continues from, aliases off what is ended. */
final class RepairStart {
    private final Retention retention;

    RepairStart(Retention retention) {
        this.retention = retention;
    }

    Decision<Repair> begin(RepairPlan plan, Order order, CommitView view) {
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

    private Fact.HeadMoved moved(RepairPlan plan, AdapterState adapter, Order order,
            CommitView view) {
        long base = plan.base(view);
        VersionRanges ended = plan.ended(base);
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
    private static void serve(Repair.Builder repair, RepairPlan plan, AdapterState adapter,
            VersionRanges ended, long base, CommitView view) {
        AliasRecord serving = adapter.alias(AliasRules.SERVING);
        long round = serving == null ? 0 : servingRound(plan, adapter, ended, serving);
        if (serving != null && round != 0) {
            repair.setServingRound(round)
                    .setServing(plan.servingWaits() ? serving.getVersion()
                            : served(plan, base, view));
        }
    }

    /**
     * The last round that is kept up to where {@code serving} was, or the last of all where it followed HEAD; 0: there is none, or it
     * names something that stands.
     */
    private static long servingRound(RepairPlan plan, AdapterState adapter, VersionRanges ended,
            AliasRecord serving) {
        long was = follows(adapter, serving.getVersion()) ? ended.last()
                : parked(adapter, serving.getVersion())
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

    /** Whether the next version would have been served as soon as it was there. */
    private static boolean follows(AdapterState adapter, long serving) {
        if (adapter.record().getRelease() != ReleasePolicy.RELEASE_POLICY_IMMEDIATE) {
            return false;
        }
        VersionRanges left = adapter.repairLeft();
        return left.isEmpty() ? serving == adapter.head()
                : parked(adapter, serving)
                        && adapter.record().getRepair().getServingRound() == left.last();
    }

    /** Whether an earlier repair, that this one takes over, has left {@code serving} there. */
    private static boolean parked(AdapterState adapter, long version) {
        Repair repair = adapter.record().getRepair();
        return repair.hasServing() && repair.getServing() == version;
    }

    /** The target while its weights are there, though training continues from before it. */
    private static long served(RepairPlan plan, long base, CommitView view) {
        VersionRecord target = known(plan.adapter().name(), plan.target(), view);
        return view.hasBlob(target.getRef().getDigest()) ? plan.target() : base;
    }

    private static List<Fact.HeadMoved.Ended> ends(RepairPlan plan, VersionRanges ended,
            CommitView view) {
        return ended.numbers()
                .stream()
                .map(number -> ended(plan.adapter().name(), number, plan.goes().test(number),
                        view))
                .toList();
    }

    /** Whether a round can start from a version. */
    static boolean trainable(VersionRecord version, CommitView view) {
        return view.hasBlob(version.getRef().getDigest())
                && view.hasBlob(version.getOptimizerDigest());
    }

    static Fact.HeadMoved.Ended ended(String adapter, long number, boolean goes,
            CommitView view) {
        VersionRecord version = known(adapter, number, view).toBuilder()
                .setState(goes ? VersionState.VERSION_STATE_ROLLED_BACK
                        : VersionState.VERSION_STATE_REPLACED)
                .build();
        return new Fact.HeadMoved.Ended(version, goes ? ManifestState.MANIFEST_STATE_ROLLED_BACK
                : ManifestState.MANIFEST_STATE_REPLACED);
    }

    static VersionRecord known(String adapter, long number, CommitView view) {
        VersionRecord version = view.version(adapter, number);
        if (version == null) {
            throw new BrokenInvariantException(
                    "version " + number + " of " + adapter + " is gone");
        }
        return version;
    }

    /** {@code serving} first; with it {@code previous}, so that the way back is named, unless that must not be served again. */
    private static List<Fact.AliasMoved> aliases(RepairPlan plan, AdapterState adapter,
            Fact.HeadMoved moved, Order order, CommitView view) {
        Set<Long> ended = new HashSet<>();
        moved.ended().forEach(each -> ended.add(each.version().getRef().getNumber()));
        List<Fact.AliasMoved> moves = new ArrayList<>();
        AliasRecord serving = adapter.alias(AliasRules.SERVING);
        // Where nothing is left of what was released there is nothing to wait for.
        boolean waits = plan.servingWaits() && moved.adapter().getRepair().hasServing();
        if (!waits && serving != null && (ended.contains(serving.getVersion())
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

    static List<Fact.AliasMoved> others(AdapterState adapter, List<Fact.AliasMoved> before,
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
}
