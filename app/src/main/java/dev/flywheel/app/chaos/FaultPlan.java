package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Member;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Which fault comes next: the same from the same seed, whatever the machine does. For one thread. */
final class FaultPlan {
    private static final long HOLD_MILLIS_MIN = 500;
    private static final long HOLD_MILLIS_MAX = 9_000;
    /** Of faults that come before the last one is over. */
    private static final double HASTY = 0.25;

    private final SplittableRandom random;
    private final List<Fault> faults = new ArrayList<>();
    private final List<Member> members;
    private final List<Failpoint> failpoints;
    private final long pauseMillis;

    /**
     * @param members whom faults hit that can hit any
     * @param pauseMillis on average between two faults
     */
    FaultPlan(long seed, Set<Fault> faults, Set<Member> members, long pauseMillis) {
        this.random = new SplittableRandom(seed);
        this.members = members.stream().sorted().toList();
        this.failpoints = Stream.concat(Failpoint.ALL.stream(),
                faults.contains(Fault.SURGERY) ? Failpoint.OF_SURGERY.stream() : Stream.empty())
                .filter(each -> members.contains(each.member()))
                .toList();
        this.pauseMillis = pauseMillis;
        for (Fault fault : Fault.values()) {
            if (faults.contains(fault) && fault != Fault.CLIENT
                    && (fault != Fault.FAILPOINT || !failpoints.isEmpty())) {
                this.faults.addAll(Collections.nCopies(weight(fault), fault));
            }
        }
    }

    /** Kills find most, and the rest takes long. */
    private static int weight(Fault fault) {
        return switch (fault) {
            case KILL, FAILPOINT -> 6;
            case SURGERY -> 4;
            case DAMAGE -> 2;
            default -> 1;
        };
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
        List<Failpoint> steps = failpoints.isEmpty() ? Failpoint.ALL : failpoints;
        Failpoint failpoint = steps.get(random.nextInt(steps.size()));
        Member any = members.get(random.nextInt(members.size()));
        long hold = random.nextLong(HOLD_MILLIS_MIN, HOLD_MILLIS_MAX);
        long pause = (long) (-Math.log(1 - random.nextDouble()) * pauseMillis);
        long number = random.nextLong() >>> 1;
        boolean hasty = random.nextDouble() < HASTY;
        Member member = switch (fault) {
            case FAILPOINT -> failpoint.member();
            case DISK, DAMAGE, SURGERY -> Member.STORE;
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
