package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.Member;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Spoils files while nobody has them open, as a bad disk would: a bit of one flips, or its end is gone. For one thread. */
final class Damage {
    private static final Duration STARTED = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 50;

    private final Cluster cluster;
    private final Path root;

    Damage(Cluster cluster) {
        this.cluster = cluster;
        this.root = cluster.folder().root();
    }

    /**
     * Spoils a file of the store. A store that will not open with it gets all of its files back as they were; one that does open
     * goes on with it. Returns which it was, and what was done to what.
     */
    String store(long number) throws IOException, InterruptedException {
        Path store = root.resolve("store");
        Path before = root.resolve("store-before-damage");
        if (!cluster.hold(Member.STORE)) {
            cluster.letStart(Member.STORE);
            return "";
        }
        copy(store, before);
        String what = spoil(store, number);
        int failures = cluster.failures(Member.STORE);
        cluster.letStart(Member.STORE);
        boolean opens = opens(failures);
        if (!opens) {
            boolean unused = cluster.hold(Member.STORE);
            remove(store);
            copy(before, store);
            cluster.letStart(Member.STORE);
        }
        remove(before);
        return (opens ? "harmless: " : "refused: ") + what;
    }

    /** Spoils a file of the newest checkpoint, and has the job begin from it. Returns what was done to what; empty if there is none. */
    String checkpoint(long number) throws IOException {
        Path newest = cluster.flink().newestCheckpoint().orElse(null);
        if (newest == null) {
            return "";
        }
        String what = spoil(newest, number);
        boolean unused = cluster.kill(number % 3 == 0 ? Member.JOBMANAGER : Member.TASKMANAGER);
        return "checkpoint: " + what;
    }

    private boolean opens(int failures) throws InterruptedException {
        long deadline = System.nanoTime() + STARTED.toNanos();
        while (System.nanoTime() - deadline < 0 && cluster.failures(Member.STORE) == failures) {
            if (cluster.storeAnswers()) {
                return true;
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
        return false;
    }

    private static String spoil(Path folder, long number) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files = all.filter(Files::isRegularFile)
                    .filter(file -> file.toFile().length() > 0)
                    .sorted()
                    .toList();
        }
        if (files.isEmpty()) {
            return "nothing";
        }
        Path file = files.get((int) (number / 2 % files.size()));
        long at = number / 1_024 % file.toFile().length();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            if (number % 2 == 0) {
                channel.truncate(at);
            } else {
                flip(channel, at, (int) (number / 16 % 8));
            }
        }
        return (number % 2 == 0 ? "cut " : "flip ") + kind(file);
    }

    private static void flip(FileChannel channel, long at, int bit) throws IOException {
        ByteBuffer one = ByteBuffer.allocate(1);
        int read = channel.read(one, at);
        one.flip();
        one.put(0, (byte) (one.get(0) ^ 1 << bit));
        int written = channel.write(one, at);
        if (read != 1 || written != 1) {
            throw new IOException("a byte could not be read and written back");
        }
    }

    private static String kind(Path file) {
        String name = file.getFileName().toString();
        return name.replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "state").replaceAll("[0-9]+", "N");
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.toList()) {
                Path target = to.resolve(from.relativize(path));
                if (Files.isDirectory(path)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(path, target, StandardCopyOption.COPY_ATTRIBUTES);
                }
            }
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
    }
}
