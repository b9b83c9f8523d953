package dev.flywheel.app.chaos;

import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.Member;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** Spoils files while nobody has them open, as a bad disk would: a bit of one flips, or its end is gone. For one thread. */
final class Damage {
    private static final Duration STARTED = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 50;

    private static final String STORE = "store";
    private static final String BEFORE = "store-before-damage";
    /** In a copy that is whole. */
    private static final String COPIED = "copied";

    private final List<String> violations = new ArrayList<>();
    private final Cluster cluster;
    private final Path root;

    Damage(Cluster cluster) {
        this.cluster = cluster;
        this.root = cluster.folder().root();
    }

    /** Gives a store back what a run that was ended half-way has spoilt; before anything is started. */
    static void undo(Path root) throws IOException {
        Path before = root.resolve(BEFORE);
        if (Files.exists(before.resolve(COPIED))) {
            remove(root.resolve(STORE));
            copy(before, root.resolve(STORE));
            Files.delete(root.resolve(STORE).resolve(COPIED));
        }
        if (Files.exists(before)) {
            remove(before);
        }
    }

    /**
     * Spoils a file of the store. A store that will not open with it gets all of its files back as they were; one that does open has
     * to hold all that it had, and goes on with it. Returns which it was, and what was done to what; empty if the store was down.
     */
    String store(long number) throws IOException, InterruptedException {
        long claimed = claimed(0);
        if (!cluster.hold(Member.STORE)) {
            cluster.letStart(Member.STORE);
            return "";
        }
        copy(root.resolve(STORE), root.resolve(BEFORE));
        Files.createFile(root.resolve(BEFORE).resolve(COPIED));
        String what = spoil(root.resolve(STORE), number);
        int failures = cluster.failures(Member.STORE);
        cluster.letStart(Member.STORE);
        boolean opens = opens(failures);
        if (opens && claimed(Long.MAX_VALUE) < claimed) {
            violations.add("P7: after %s the store opened without manifest %d".formatted(what,
                    claimed));
        }
        if (!opens) {
            boolean unused = cluster.hold(Member.STORE);
            undo(root);
            cluster.letStart(Member.STORE);
        } else {
            remove(root.resolve(BEFORE));
        }
        return (opens ? "harmless: " : "refused: ") + what;
    }

    /** The number of the newest manifest, which only rises. */
    private long claimed(long whileAway) {
        AtomicLong last = new AtomicLong();
        try {
            cluster.store()
                    .listManifests(cluster.folder().config().adapter().name(), 0,
                            each -> last.set(each.getSeq()));
            return last.get();
        } catch (StatusRuntimeException away) {
            return whileAway;
        }
    }

    /** Returns what a store that opened had lost. */
    List<String> violations() {
        return List.copyOf(violations);
    }

    /**
     * Spoils a file of the newest checkpoint, and has the job begin from it. Returns what was done to what; empty if there was none, or
     * Flink had just removed it.
     */
    String checkpoint(long number) throws IOException {
        Path newest = cluster.flink().newestCheckpoint().orElse(null);
        if (newest == null) {
            return "";
        }
        try {
            String what = spoil(newest, number);
            boolean unused = cluster.kill(number % 3 == 0 ? Member.JOBMANAGER
                    : Member.TASKMANAGER);
            return "checkpoint: " + what;
        } catch (NoSuchFileException | UncheckedIOException gone) {
            return "";
        }
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
            throw new NoSuchFileException(folder.toString());
        }
        Path file = files.get((int) (number / 2 % files.size()));
        long at = number / 1_024 % Files.size(file);
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
