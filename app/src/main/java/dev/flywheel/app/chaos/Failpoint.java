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

    /** Around what operators ask of the store, in the order of {@link Surgery#operate}'s kinds. */
    static final List<Failpoint> OF_SURGERY = List.of(
            new Failpoint(Member.STORE, "Rollback-before"),
            new Failpoint(Member.STORE, "Rollback-after"),
            new Failpoint(Member.STORE, "Excise-before"),
            new Failpoint(Member.STORE, "Excise-after"),
            new Failpoint(Member.STORE, "Readmit-before"),
            new Failpoint(Member.STORE, "Readmit-after"),
            new Failpoint(Member.STORE, "Forget-before"),
            new Failpoint(Member.STORE, "Forget-after"));

    /** Which kind of surgery comes by it; -1 if none does. */
    int surgery() {
        return OF_SURGERY.contains(this) ? OF_SURGERY.indexOf(this) / 2 : -1;
    }

    /** Whether a process comes by only when the job has just started. */
    boolean atStart() {
        return name.startsWith("AcquireEpoch");
    }
}
