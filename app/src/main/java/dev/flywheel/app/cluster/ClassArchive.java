package dev.flywheel.app.cluster;

import dev.flywheel.adapters.identity.Digest;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The classes of a member, checked once and kept in a file: its processes map them instead of loading and checking them anew, which
 * takes a third of their start's work away. The first process writes down what it loads, and another one makes the file of that.
 *
 * <p>The file's name tells the JDK, the command and every jar it was made of, so that none is used that does not fit; those of other
 * names are removed. A JVM compares the file's checksums before it uses it, and starts without it if they differ. There is none
 * where it could not be used: a class path with folders, or a path that the JVM would take for two.
 */
final class ClassArchive {
    /** A class of a module, a jar or the JDK's own archive; hidden ones have an address in their name. */
    private static final Pattern LOADED = Pattern.compile(
            "(?<name>[^\\s/]+) source: (jrt:|file:|shared objects file).*");
    private static final Path NICE = Path.of("/usr/bin/nice");
    private static final long DUMP_SECONDS = 120;
    private static final String PREFIX = "classes-";
    private static final int NAME_DIGITS = 16;

    private final List<String> java;
    private final boolean usable;
    private final Path file;
    private final Path loaded;
    private final Path names;
    private final Path unfinished;

    /**
     * Makes none yet, and removes those in the folder that are out of date.
     *
     * @param java the command of a process up to its main class, which ends with {@code -cp} and the class path
     * @throws UncheckedIOException if the folder or a jar cannot be looked at
     */
    static ClassArchive in(Path folder, List<String> java) {
        try {
            Files.createDirectories(folder);
            String name = PREFIX + fingerprint(java).substring(0, NAME_DIGITS);
            removeOthers(folder, name);
            return new ClassArchive(folder.resolve(name), java);
        } catch (IOException e) {
            throw new UncheckedIOException("class archive in " + folder + " cannot be kept", e);
        }
    }

    private ClassArchive(Path file, List<String> java) {
        this.java = List.copyOf(java);
        this.file = file;
        this.loaded = file.resolveSibling(file.getFileName() + ".loaded");
        this.names = file.resolveSibling(file.getFileName() + ".names");
        this.unfinished = file.resolveSibling(file.getFileName() + ".part");
        this.usable = !file.toString().contains(File.pathSeparator)
                && classPath(java).stream().allMatch(Files::isRegularFile);
    }

    private static List<Path> classPath(List<String> java) {
        return Stream.of(java.getLast().split(File.pathSeparator, -1)).map(Path::of).toList();
    }

    private static String fingerprint(List<String> java) throws IOException {
        Digest.Stream all = Digest.stream().field(Runtime.version().toString());
        for (String word : java) {
            all.field(word);
        }
        for (Path jar : classPath(java)) {
            if (Files.exists(jar)) {
                all.field(Long.toString(Files.size(jar)))
                        .field(Files.getLastModifiedTime(jar).toString());
            }
        }
        return all.finish().hex();
    }

    private static void removeOthers(Path folder, String name) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path other : files.filter(each -> {
                String its = each.getFileName().toString();
                return its.startsWith(PREFIX) && !its.startsWith(name);
            }).toList()) {
                Files.delete(other);
            }
        }
    }

    /** Whether there is one, or is to be none: then there is nothing to make. */
    boolean settled() {
        return !usable || made();
    }

    private boolean made() {
        return Files.isReadable(file);
    }

    /** Flags of the JVM for a process that starts now. */
    List<String> flags() {
        if (!usable) {
            return List.of();
        }
        return made()
                ? List.of("-XX:SharedArchiveFile=" + file, "-XX:+VerifySharedSpaces",
                        "-Xlog:cds=off", "-Xlog:aot=off")
                : List.of("-Xlog:class+load=info:file=" + loaded + ":none:filecount=0");
    }

    /** Takes down what a process that was started with {@link #flags} has loaded so far; false if none has yet. */
    boolean list() throws IOException {
        if (settled() || !Files.isReadable(loaded)) {
            return false;
        }
        try (Stream<String> lines = Files.lines(loaded)) {
            Files.write(names, (Iterable<String>) lines.map(LOADED::matcher)
                    .filter(Matcher::matches)
                    .map(line -> line.group("name").replace('.', '/'))::iterator);
            return true;
        } catch (UncheckedIOException unreadable) {
            throw unreadable.getCause();
        }
    }

    /**
     * Makes the file of what was {@link #list listed}.
     *
     * @throws IOException if it cannot be made, saying why
     */
    void make() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(NICE)) {
            command.addAll(List.of(NICE.toString(), "-n", "19"));
        }
        command.addAll(java);
        command.addAll(List.of("-Xshare:dump", "-XX:SharedClassListFile=" + names,
                "-XX:SharedArchiveFile=" + unfinished));
        dump(command);
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void dump(List<String> command) throws IOException, InterruptedException {
        Process dump = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!dump.waitFor(DUMP_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("it takes longer than " + DUMP_SECONDS + " s");
            }
            if (dump.exitValue() != 0) {
                throw new IOException("the JVM that makes it ends with " + dump.exitValue());
            }
        } finally {
            dump.destroyForcibly();
        }
    }
}
