package dev.flywheel.app.cluster;

import java.util.Locale;

/** One process of the cluster. */
public enum Member {
    BROKER,
    JOBMANAGER,
    TASKMANAGER,
    STORE,
    TRAINER,
    SERVING;

    /** Returns its name in logs, folders and reports. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
