package dev.flywheel.app.chaos;

import java.util.Locale;

/** What is done to a cluster. */
public enum Fault {
    /** {@code kill -9} of one process at any moment. */
    KILL,
    /** {@code kill -9} of a process at a named step of the protocol. */
    FAILPOINT,
    /** One process stands still for a while, connections open, and goes on. */
    FREEZE,
    /** A second job is started by mistake beside the first. */
    WRITERS,
    /** The job is submitted anew without any state. */
    FORGET,
    /** The store can write no file beyond a size for a while. */
    DISK,
    /** A bit of a version's weights flips on its way to the serving node. */
    FLIP,
    /** The clock of store, trainer and serving node jumps, and jumps back. */
    CLOCK,
    /** A bit flips in a file of the store or of a checkpoint, or its end is cut off. */
    DAMAGE,
    /** Rounds are rolled back, taken out and brought back, users forgotten, feedback withdrawn. */
    SURGERY,
    /** Clients repeat, reorder, delay and drop what they send. */
    CLIENT;

    /** Returns its name on the command line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
