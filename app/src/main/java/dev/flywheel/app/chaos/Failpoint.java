package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Member;
import java.util.List;

/**
 * A step at which a process can be told to die.
 *
 * @param name as the process knows it
 */
record Failpoint(Member member, String name) {
    /** Around every step of the protocol, in its order. */
    static final List<Failpoint> ALL = List.of(
            new Failpoint(Member.STORE, "AcquireEpoch-before"),
            new Failpoint(Member.STORE, "AcquireEpoch-after"),
            new Failpoint(Member.STORE, "PutManifest-before"),
            new Failpoint(Member.STORE, "PutManifest-after"),
            new Failpoint(Member.TASKMANAGER, "claimed"),
            new Failpoint(Member.TRAINER, "Train-before"),
            new Failpoint(Member.TRAINER, "trained"),
            new Failpoint(Member.STORE, "PutBlob-before"),
            new Failpoint(Member.STORE, "PutBlob-after"),
            new Failpoint(Member.TRAINER, "Train-after"),
            new Failpoint(Member.TASKMANAGER, "round-trained"),
            new Failpoint(Member.STORE, "PutOutcome-before"),
            new Failpoint(Member.STORE, "sync-before"),
            new Failpoint(Member.STORE, "sync-after"),
            new Failpoint(Member.STORE, "PutOutcome-after"),
            new Failpoint(Member.TASKMANAGER, "round-ended"),
            new Failpoint(Member.TASKMANAGER, "checkpoint"));

    /** Whether a process comes by only when the job has just started. */
    boolean atStart() {
        return name.startsWith("AcquireEpoch");
    }
}
