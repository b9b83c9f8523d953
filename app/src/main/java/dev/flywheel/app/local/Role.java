package dev.flywheel.app.local;

import java.util.Locale;

/** What a process of the loop can be, when each is one of its own; broker and Flink have mains of their own. */
public enum Role {
    STORE,
    TRAINER,
    SERVING;

    /** Returns its name on the command line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
