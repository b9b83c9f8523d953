package dev.flywheel.app.cli;

import java.util.Objects;

/** The key that commands show to nodes: that of the environment, so that it stands in no list of processes. */
final class OwnKey {
    /** Name of the environment variable. */
    static final String VARIABLE = "FLYWHEEL_KEY";

    private OwnKey() {}

    /** Returns the key, empty if none is set. */
    static String get() {
        return Objects.requireNonNullElse(System.getenv(VARIABLE), "").strip();
    }
}
