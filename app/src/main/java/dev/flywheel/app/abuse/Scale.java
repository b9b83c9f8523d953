package dev.flywheel.app.abuse;

/** How much of each abuse there is. */
public enum Scale {
    /** Seconds a row: that it counts right. */
    SHORT,
    /** As much as the promise speaks of. */
    LONG;

    int of(int few, int many) {
        return this == SHORT ? few : many;
    }
}
