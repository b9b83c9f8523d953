package dev.flywheel.app.fuzz;

import java.nio.file.Path;
import java.util.SortedMap;

/**
 * A valid folder and the code that reads such folders.
 *
 * @param kind what is read, for the report; several targets may share it
 * @param files the valid folder's files by name
 * @param documented the only exception that may come out of the loader
 * @param weight how often it is chosen, relative to the others
 */
record FuzzTarget(
        String kind,
        SortedMap<String, byte[]> files,
        Loader loader,
        Class<? extends RuntimeException> documented,
        int weight) {
    /** Reads a folder, checks that what was read holds together, and frees it. */
    interface Loader {
        void load(Path folder);
    }
}
