package dev.flywheel.app.local;

import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.api.access.KeyRing;
import dev.flywheel.app.config.FlywheelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The credentials in a file, which is read again now and then: a key that is taken out of it is worth nothing soon after. While
 * it cannot be read the last ones hold. Thread-safe.
 */
final class KeyFile implements Supplier<KeyRing>, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeyFile.class);
    /** A thousand lines are shorter by far. */
    private static final long BYTES_MAX = 1 << 20;

    private final Path file;
    private final AtomicReference<KeyRing> ring;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("key-file").factory());
    private String lastProblem = "";

    private KeyFile(Path file) {
        this.file = file;
        this.ring = new AtomicReference<>(first(file));
    }

    /** Opens the file that the settings name; without one nobody is known. */
    static Supplier<KeyRing> open(RoleContext context) {
        FlywheelConfig.Access access = context.config().access();
        if (access.keysFile().isBlank()) {
            return () -> KeyRing.EMPTY;
        }
        KeyFile keys = context.closing()
                .add("key file",
                        () -> new KeyFile(Path.of(access.keysFile())));
        long period = access.keysCheck().toMillis();
        var unused = keys.timer.scheduleWithFixedDelay(keys::again, period, period,
                TimeUnit.MILLISECONDS);
        return keys;
    }

    @Override
    public KeyRing get() {
        return ring.get();
    }

    private static KeyRing first(Path file) {
        try {
            return read(file);
        } catch (IOException e) {
            throw new StartException("access.keys_file %s cannot be read (%s); see to its rights"
                    .formatted(file, FileProblem.words(e)), e);
        } catch (IllegalArgumentException e) {
            throw new StartException("access.keys_file %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static KeyRing read(Path file) throws IOException {
        if (Files.size(file) > BYTES_MAX) {
            throw new IllegalArgumentException(
                    "has %d bytes, at most %d are read".formatted(Files.size(file), BYTES_MAX));
        }
        return KeyRing.read(Files.readString(file));
    }

    /** What is wrong is told once, not at every look. */
    private void again() {
        try {
            ring.set(read(file));
            lastProblem = "";
        } catch (IOException | IllegalArgumentException e) {
            String problem = String.valueOf(e.getMessage());
            if (!problem.equals(lastProblem)) {
                LOG.warn("credentials stay as they were: access.keys_file {}: {}", file, problem);
            }
            lastProblem = problem;
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
