package dev.flywheel.api.fault;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Named steps at which a test ends the process as {@code kill -9} would, and promises that a test breaks on purpose to see
 * that it would notice.
 *
 * <p>Does nothing in a process that was started without {@code -Dflywheel.failpoints=FOLDER} or {@code
 * -Dflywheel.broken=NAME}; neither is a setting. Thread-safe.
 */
public final class Failpoints {
    private static final @Nullable String FOLDER = System.getProperty("flywheel.failpoints");
    private static final Set<String> BROKEN =
            Set.of(System.getProperty("flywheel.broken", "none").split(",", -1));
    private static final int KILLED = 137;

    private Failpoints() {}

    /** Whether failpoints may be armed in this process at all. */
    public static boolean open() {
        return FOLDER != null;
    }

    /** Ends the process here and now if a file of this name has been put into the folder; the file goes with it. */
    public static void reach(String name) {
        if (FOLDER != null && disarm(Path.of(FOLDER, name))) {
            Runtime.getRuntime().halt(KILLED);
        }
    }

    private static boolean disarm(Path file) {
        try {
            return Files.deleteIfExists(file);
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Returns the bytes, with one bit flipped if a file of this name, which holds the bit's number, has been put into the folder;
     * the file goes with it.
     */
    public static byte[] damaged(String name, byte[] bytes) {
        if (FOLDER == null || bytes.length == 0) {
            return bytes;
        }
        Path file = Path.of(FOLDER, name);
        try {
            long bit = Math.floorMod(Long.parseLong(Files.readString(file).strip()),
                    8L * bytes.length);
            if (disarm(file)) {
                byte[] other = bytes.clone();
                other[(int) (bit / 8)] ^= (byte) (1 << bit % 8);
                return other;
            }
        } catch (IOException | NumberFormatException notArmed) {
            return bytes;
        }
        return bytes;
    }

    /** Returns the system's clock, off by as many milliseconds as the file {@code clock} in the folder says, if it is there. */
    public static InstantSource clock() {
        return FOLDER == null ? InstantSource.system()
                : () -> Instant.now().plusMillis(offBy(Path.of(FOLDER, "clock")));
    }

    private static long offBy(Path file) {
        try {
            return Files.exists(file) ? Long.parseLong(Files.readString(file).strip()) : 0;
        } catch (IOException | NumberFormatException gone) {
            return 0;
        }
    }

    /** Whether this process is to break a promise, by the name of what keeps it. */
    public static boolean broken(String name) {
        return BROKEN.contains(name);
    }
}
