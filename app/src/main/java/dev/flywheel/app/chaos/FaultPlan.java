package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** Which fault comes next: the same from the same seed, whatever the machine does. For one thread. */
final class FaultPlan {
    private static final long HOLD_MILLIS_MIN = 500;
    private static final long HOLD_MILLIS_MAX = 9_000;
    /** Of faults that come before the last one is over. */
    private static final double HASTY = 0.25;

    private final SplittableRandom random;
    private final List<Fault> faults = new ArrayList<>();
    private final long pauseMillis;

    /** @param pauseMillis on average between two faults */
    FaultPlan(long seed, Set<Fault> faults, long pauseMillis) {
        this.random = new SplittableRandom(seed);
        this.pauseMillis = pauseMillis;
        for (Fault fault : Fault.values()) {
            if (faults.contains(fault) && fault != Fault.CLIENT) {
                // Kills find most, and the rest takes long.
                int weight = fault == Fault.KILL ? 6 : fault == Fault.FAILPOINT ? 6 : 1;
                for (int i = 0; i < weight; i++) {
                    this.faults.add(fault);
                }
            }
        }
    }

    /**
     * One fault.
     *
     * @param member whom it hits
     * @param failpoint at which step, for {@link Fault#FAILPOINT}
     * @param holdMillis how long it lasts, where it lasts
     * @param number which bit is flipped, or where to a clock jumps
     * @param pauseMillis how long after the one before
     * @param hasty whether the cluster need not have recovered from the one before
     */
    record Step(
            Fault fault,
            Member member,
            Failpoint failpoint,
            long holdMillis,
            long number,
            long pauseMillis,
            boolean hasty) {}

    Step next() {
        Fault fault = faults.get(random.nextInt(faults.size()));
        Failpoint failpoint = Failpoint.ALL.get(random.nextInt(Failpoint.ALL.size()));
        Member any = Member.values()[random.nextInt(Member.values().length)];
        long hold = random.nextLong(HOLD_MILLIS_MIN, HOLD_MILLIS_MAX);
        long pause = (long) (-Math.log(1 - random.nextDouble()) * pauseMillis);
        long number = random.nextLong() >>> 1;
        boolean hasty = random.nextDouble() < HASTY;
        Member member = switch (fault) {
            case FAILPOINT -> failpoint.member();
            case DISK -> Member.STORE;
            case FLIP, CLOCK -> Member.SERVING;
            case FORGET -> Member.JOBMANAGER;
            case WRITERS -> Member.TASKMANAGER;
            case KILL, FREEZE, CLIENT -> any;
        };
        return new Step(fault, member, failpoint, hold, number, pause, hasty);
    }

    boolean empty() {
        return faults.isEmpty();
    }
}
