package dev.flywheel.app.fuzz;

import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A broken folder.
 *
 * @param files by name
 * @param folders names at which a folder stands where a file should
 * @param done what was done to it
 */
record Mutant(SortedMap<String, byte[]> files, SortedSet<String> folders, String done) {
    static Mutant of(SortedMap<String, byte[]> files) {
        return new Mutant(new TreeMap<>(files), new TreeSet<>(), "");
    }

    /** Returns the same with one file's bytes replaced. */
    Mutant with(String name, byte[] bytes, String what) {
        SortedMap<String, byte[]> changed = new TreeMap<>(files);
        changed.put(name, bytes);
        return new Mutant(changed, folders, also(what + " in " + name));
    }

    /** Returns the same without a file. */
    Mutant without(String name) {
        SortedMap<String, byte[]> changed = new TreeMap<>(files);
        changed.remove(name);
        return new Mutant(changed, folders, also("removed " + name));
    }

    /** Returns the same with a folder in a file's place. */
    Mutant withFolder(String name) {
        SortedMap<String, byte[]> changed = new TreeMap<>(files);
        changed.remove(name);
        SortedSet<String> more = new TreeSet<>(folders);
        more.add(name);
        return new Mutant(changed, more, also("folder for " + name));
    }

    long bytes() {
        return files.values().stream().mapToLong(file -> file.length).sum();
    }

    private String also(String what) {
        return done.isEmpty() ? what : done + ", " + what;
    }
}
