package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.GuardBudget;
import java.time.Duration;

/**
 * A budget that refills evenly: so many at once, so many an hour. Its time is the latest that an event of it had, so that one
 * which comes out of order is paid for as if it came now, and no order in which the same events arrive admits more than
 * {@code perHour} and what was refilled between the first and the last of them.
 *
 * @param perHour above 0
 */
record TokenBucket(int perHour) {
    private static final long HOUR = Duration.ofHours(1).toMillis();

    /** How long an untouched bucket takes to be full, and so no different from one that was never used. */
    static final long FULL_AFTER_MILLIS = HOUR;

    /** Returns the budget as it stands at a time. */
    GuardBudget at(GuardBudget before, long millis) {
        if (before.getAtMillis() == 0) {
            return before.toBuilder().setLeft(perHour).setAtMillis(millis).build();
        }
        long now = Math.max(before.getAtMillis(), millis);
        double refilled = (double) (now - before.getAtMillis()) * perHour / HOUR;
        return before.toBuilder()
                .setLeft(Math.min(perHour, before.getLeft() + refilled))
                .setAtMillis(now)
                .build();
    }

    static boolean pays(GuardBudget budget) {
        return budget.getLeft() >= 1;
    }

    static GuardBudget paid(GuardBudget budget) {
        return budget.toBuilder().setLeft(budget.getLeft() - 1).build();
    }
}
