package dev.flywheel.app.cluster;

import java.io.IOException;
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
 * takes a third of their start's work away. The first process writes down what it loads, and another one makes the file of that. A JVM
 * that cannot use the file starts as it would without.
 */
final class ClassArchive {
    /** A class of a module, a jar or the JDK's own archive; hidden ones have an address in their name. */
    private static final Pattern LOADED = Pattern.compile(
            "(?<name>[^\\s/]+) source: (jrt:|file:|shared objects file).*");
    private static final Path NICE = Path.of("/usr/bin/nice");
    private static final long DUMP_SECONDS = 120;

    private final Path file;
    private final Path loaded;
    private final Path names;
    private final Path unfinished;

    ClassArchive(Path file) {
        this.file = file;
        this.loaded = file.resolveSibling(file.getFileName() + ".loaded");
        this.names = file.resolveSibling(file.getFileName() + ".names");
        this.unfinished = file.resolveSibling(file.getFileName() + ".part");
    }

    boolean made() {
        return Files.isReadable(file);
    }

    /** Flags of the JVM for a process that starts now. */
    List<String> flags() {
        return made()
                ? List.of("-XX:SharedArchiveFile=" + file, "-Xlog:cds=off", "-Xlog:aot=off")
                : List.of("-Xlog:class+load=info:file=" + loaded + ":none:filecount=0");
    }

    /**
     * Makes the file from what a process that was started with {@link #flags} has loaded so far. Returns whether it is there now.
     *
     * @param java the command of such a process up to the main class, without these flags
     */
    boolean make(List<String> java) throws IOException, InterruptedException {
        if (made() || !Files.isReadable(loaded)) {
            return made();
        }
        try (Stream<String> lines = Files.lines(loaded)) {
            Files.write(names, (Iterable<String>) lines.map(LOADED::matcher)
                    .filter(Matcher::matches)
                    .map(line -> line.group("name").replace('.', '/'))::iterator);
        }
        if (dump(java)) {
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return made();
    }

    private boolean dump(List<String> java) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(NICE)) {
            command.addAll(List.of(NICE.toString(), "-n", "19"));
        }
        command.addAll(java);
        command.addAll(List.of("-Xshare:dump", "-XX:SharedClassListFile=" + names,
                "-XX:SharedArchiveFile=" + unfinished));
        Process dump = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            return dump.waitFor(DUMP_SECONDS, TimeUnit.SECONDS) && dump.exitValue() == 0
                    && Files.isReadable(unfinished);
        } finally {
            dump.destroyForcibly();
        }
    }
}
