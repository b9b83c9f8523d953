package dev.flywheel.store.core;

import dev.flywheel.api.v1.AuditAction;
import dev.flywheel.api.v1.RepairKind;
import java.util.Set;
import java.util.function.LongPredicate;

/**
 * What is to become of an adapter.
 *
 * @param target the newest version on HEAD's lineage that nothing of what goes is in
 * @param goes versions whose rounds are taken out and quarantined
 * @param back versions that were taken out before and come back
 * @param servingWaits {@code serving} stays where it is until all is trained again
 * @param tainted versions that no alias is to name any more, besides those that are ended if there are any
 */
record RepairPlan(
        AdapterState adapter,
        long target,
        LongPredicate goes,
        VersionRanges back,
        boolean servingWaits,
        Set<Long> tainted) {

    /** Who asked for what, for the audit. */
    record Order(
            RepairKind kind,
            AuditAction action,
            String actor,
            String reason,
            long atMillis) {}

    boolean aliasesToo() {
        return !tainted.isEmpty();
    }

    /** The version from which rounds are trained again: the newest up to the target that has what it takes. Version 0 always has. */
    long base(CommitView view) {
        VersionRanges upTo = adapter.lineage().upTo(target);
        for (long back = 0; back < upTo.count() - 1; back++) {
            long number = upTo.beforeLast(back);
            if (RepairStart.trainable(RepairStart.known(adapter.name(), number, view), view)) {
                return number;
            }
        }
        return upTo.first();
    }

    /** The versions whose rounds are taken out or trained again, in order. */
    VersionRanges ended(long base) {
        return adapter.lineage().after(base).with(adapter.repairLeft()).with(back);
    }

    /** The first of those that would be trained again and cannot, for they are expired; 0: there is none. */
    long lost(CommitView view) {
        if (adapter.manifestsFrom() == 1) {
            return 0;
        }
        return ended(base(view)).numbers()
                .stream()
                .filter(number -> !goes.test(number) && expired(number, view))
                .findFirst()
                .orElse(0L);
    }

    /** The same from the very beginning: what is expired goes too, and of the rest what is kept is trained again. */
    RepairPlan rebased(CommitView view) {
        return new RepairPlan(adapter, 0,
                number -> goes.test(number) || expired(number, view), back, servingWaits,
                tainted);
    }

    private boolean expired(long number, CommitView view) {
        return adapter.expired(RepairStart.known(adapter.name(), number, view));
    }
}
