package dev.flywheel.feedback.evaluation;

import dev.flywheel.api.v1.DelayCohort;
import dev.flywheel.api.v1.DelayState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How late users take what they are shown: which share of the items that they take at all they take only after their silence has
 * been counted.
 *
 * <p>What has not been taken yet is not seen, so that of young answers only the quick ones are known, and a plain share would be
 * too small, the more so the faster traffic grows. This is right truncation, and the estimate is the product-limit one in
 * reversed time (Lagakos, Barraj and De Gruttola, Biometrika 75, 1988): with delays in bins k, the chance that a delay of at
 * most bin k is in bin k is estimated from answers alone that are old enough to have shown all of bin k, and
 *
 * <pre>share in time = Π over late bins k of (1 - taken in bin k / taken up to bin k).</pre>
 *
 * <p>Answers are kept in cohorts by when they were served, {@value #COHORTS_MAX} at most, which get longer, and fewer, as longer
 * delays are seen; the oldest go. A bin that too few answers are old enough for says nothing: the share is then of what is
 * taken within the longest delay that enough of them are old enough for.
 */
public final class Delays {
    /** Below so many taken items there is no estimate, and no bin of it. */
    public static final int TAKEN_MIN = 100;

    static final int COHORTS_MAX = 128;

    /** Two bins to a doubling, from one second. */
    private static final int BINS_PER_OCTAVE = 2;

    private static final int BINS_MAX = 48;

    private static final long COHORT_MILLIS_MIN = 1_000;

    /** So much is remembered at least, and so many times the longest delay. */
    private static final long REMEMBERED_MILLIS_MIN = 3_600_000;

    private static final int REMEMBERED_DELAYS = 4;

    /** Importance weights need some that come in time. */
    private static final double SHARE_MAX = 0.99;

    private Delays() {}

    /**
     * Counts an item that was taken.
     *
     * @param late whether silence about it had been counted
     */
    public static DelayState add(DelayState before, long servedAtMillis, long delayMillis,
            boolean late) {
        DelayState state = before.getCohortMillis() == 0
                ? before.toBuilder().setCohortMillis(COHORT_MILLIS_MIN).build()
                : before;
        DelayState.Builder after = state.toBuilder()
                .setLongestMillis(Math.max(state.getLongestMillis(), delayMillis));
        long begins = Math.floorDiv(servedAtMillis, state.getCohortMillis())
                * state.getCohortMillis();
        int at = 0;
        while (at < after.getCohortsCount() && after.getCohorts(at).getBeginsAtMillis() < begins) {
            at++;
        }
        boolean known = at < after.getCohortsCount()
                && after.getCohorts(at).getBeginsAtMillis() == begins;
        DelayCohort cohort = known ? after.getCohorts(at)
                : DelayCohort.newBuilder().setBeginsAtMillis(begins).build();
        DelayCohort counted = counted(cohort, delayMillis, late);
        if (known) {
            after.setCohorts(at, counted);
        } else {
            after.addCohorts(at, counted);
        }
        return bounded(after);
    }

    private static DelayCohort counted(DelayCohort cohort, long delayMillis, boolean late) {
        if (!late) {
            return cohort.toBuilder().setInTime(cohort.getInTime() + 1).build();
        }
        int bin = bin(delayMillis);
        DelayCohort.Builder counted = cohort.toBuilder();
        while (counted.getLateCount() <= bin) {
            counted.addLate(0);
        }
        return counted.setLate(bin, counted.getLate(bin) + 1).build();
    }

    private static int bin(long delayMillis) {
        double octaves = Math.log(Math.max(1, delayMillis / 1e3)) / Math.log(2);
        return Math.min(BINS_MAX - 1, (int) (octaves * BINS_PER_OCTAVE));
    }

    /** Returns how old an answer must be to have shown all of a bin. */
    private static double endMillis(int bin) {
        return 1e3 * Math.pow(2, (bin + 1.0) / BINS_PER_OCTAVE);
    }

    private static DelayState bounded(DelayState.Builder state) {
        while (state.getCohortsCount() > COHORTS_MAX) {
            long covered = COHORTS_MAX * state.getCohortMillis();
            long wanted = Math.max(REMEMBERED_MILLIS_MIN,
                    REMEMBERED_DELAYS * state.getLongestMillis());
            if (covered < wanted) {
                widen(state);
            } else {
                state.removeCohorts(0);
            }
        }
        return state.build();
    }

    private static void widen(DelayState.Builder state) {
        long length = 2 * state.getCohortMillis();
        List<DelayCohort> wider = new ArrayList<>();
        for (DelayCohort cohort : state.getCohortsList()) {
            long begins = Math.floorDiv(cohort.getBeginsAtMillis(), length) * length;
            int last = wider.size() - 1;
            if (last >= 0 && wider.get(last).getBeginsAtMillis() == begins) {
                wider.set(last, together(wider.get(last), cohort));
            } else {
                wider.add(cohort.toBuilder().setBeginsAtMillis(begins).build());
            }
        }
        wider.sort(Comparator.comparingLong(DelayCohort::getBeginsAtMillis));
        state.setCohortMillis(length).clearCohorts().addAllCohorts(wider);
    }

    private static DelayCohort together(DelayCohort one, DelayCohort other) {
        DelayCohort.Builder sum = one.toBuilder().setInTime(one.getInTime() + other.getInTime());
        for (int bin = 0; bin < other.getLateCount(); bin++) {
            if (bin < sum.getLateCount()) {
                sum.setLate(bin, sum.getLate(bin) + other.getLate(bin));
            } else {
                sum.addLate(other.getLate(bin));
            }
        }
        return sum.build();
    }

    /**
     * Returns the share of taken items that are taken late, at most {@value #SHARE_MAX}; empty while too few are known.
     *
     * @param nowMillis what event time has reached
     */
    public static OptionalDouble lateShare(DelayState state, long nowMillis) {
        double inTime = 1;
        boolean known = false;
        for (int bin = BINS_MAX - 1; bin >= 0; bin--) {
            long inBin = 0;
            long upToBin = 0;
            for (DelayCohort cohort : state.getCohortsList()) {
                long youngest = nowMillis - cohort.getBeginsAtMillis() - state.getCohortMillis();
                if (youngest >= endMillis(bin)) {
                    inBin += bin < cohort.getLateCount() ? cohort.getLate(bin) : 0;
                    upToBin += cohort.getInTime() + lateUpTo(cohort, bin);
                }
            }
            if (upToBin >= TAKEN_MIN) {
                known = true;
                inTime *= 1 - (double) inBin / upToBin;
            }
        }
        return known ? OptionalDouble.of(Math.min(SHARE_MAX, 1 - inTime)) : OptionalDouble.empty();
    }

    private static long lateUpTo(DelayCohort cohort, int bin) {
        long sum = 0;
        for (int i = 0; i <= bin && i < cohort.getLateCount(); i++) {
            sum += cohort.getLate(i);
        }
        return sum;
    }
}
