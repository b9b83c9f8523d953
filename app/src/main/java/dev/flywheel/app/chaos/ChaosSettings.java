package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Member;
import java.time.Duration;
import java.util.Set;

/**
 * What is done to a cluster, and for how long.
 *
 * @param members whom kills and freezes hit
 * @param kills how many processes to kill before it may end; 0: as many as the time allows
 * @param rate feedback events a second that clients try to send
 * @param pause how long clients are left alone between two faults, on average
 * @param broken what each process leaves out on purpose, by the name of what keeps it; empty: nothing
 */
public record ChaosSettings(
        Duration time,
        long seed,
        Set<Fault> faults,
        Set<Member> members,
        int kills,
        double rate,
        Duration pause,
        String broken) {}
