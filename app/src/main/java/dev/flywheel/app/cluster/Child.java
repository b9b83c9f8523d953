package dev.flywheel.app.cluster;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One member's process, started again after each end with a pause that grows while it does not stay up. Thread-safe. */
final class Child {
    private static final Logger LOG = LoggerFactory.getLogger(Child.class);
    private static final long PAUSE_NANOS_MIN = 100_000_000L;
    private static final long PAUSE_NANOS_MAX = 5_000_000_000L;
    private static final long STAYED_NANOS = 20_000_000_000L;
    private static final Duration TERM = Duration.ofSeconds(25);

    private final Member member;
    private final Path log;
    private List<String> command;
    private @Nullable Process process;
    private boolean wanted;
    private boolean killed;
    private volatile boolean frozen;
    private int starts;
    private int failures;
    private long startedNanos;
    private long pauseNanos = PAUSE_NANOS_MIN;
    private long endedNanos;

    Child(Member member, List<String> command, Path log) {
        this.member = member;
        this.command = command;
        this.log = log;
    }

    Member member() {
        return member;
    }

    synchronized void want() {
        wanted = true;
    }

    /** From its next start on. */
    synchronized void command(List<String> next) {
        command = next;
    }

    /** Looks after it; called often. */
    synchronized void look(long nowNanos) {
        if (!wanted) {
            return;
        }
        Process running = process;
        if (running == null) {
            start(nowNanos);
        } else if (!running.isAlive()) {
            if (endedNanos == 0) {
                ended(running, nowNanos);
            }
            if (nowNanos - endedNanos >= pauseNanos) {
                start(nowNanos);
            }
        }
    }

    private void ended(Process running, long nowNanos) {
        endedNanos = nowNanos;
        boolean stayed = killed || nowNanos - startedNanos > STAYED_NANOS;
        pauseNanos = stayed ? PAUSE_NANOS_MIN : Math.min(2 * pauseNanos, PAUSE_NANOS_MAX);
        if (!killed) {
            failures++;
            LOG.warn("{} has ended with {}; started again in {} ms, see {}", member.label(),
                    running.exitValue(), pauseNanos / 1_000_000, log);
        }
    }

    private void start(long nowNanos) {
        try {
            Files.createDirectories(log.toAbsolutePath().getParent());
            Files.writeString(log, "--- start %d of %s at %s%n".formatted(++starts,
                    member.label(), Instant.now()), StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
            builder.environment().put("RUST_FLAVOR", "cpu");
            builder.environment().put("OPT_OUT_TRACKING", "true");
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(member.label() + " cannot be started", e);
        }
        killed = false;
        startedNanos = nowNanos;
        endedNanos = 0;
    }

    synchronized boolean alive() {
        Process running = process;
        return running != null && running.isAlive();
    }

    /** Returns the process's id; 0 if it has none. */
    synchronized long pid() {
        Process running = process;
        return running == null || !running.isAlive() ? 0 : running.pid();
    }

    /** Kills it as {@code kill -9} does; returns whether it lived. */
    boolean kill() {
        Process running;
        synchronized (this) {
            running = process;
            if (running == null || !running.isAlive()) {
                return false;
            }
            killed = true;
        }
        try {
            running.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    /** Kills it, and leaves it down until it is wanted again; returns whether it lived. */
    boolean hold() {
        synchronized (this) {
            wanted = false;
        }
        return kill();
    }

    /** How often it ended without being killed. */
    synchronized int failures() {
        return failures;
    }

    /** Marks an end that is about to come as wanted by somebody. */
    synchronized void expectEnd() {
        killed = true;
    }

    /** Stops it in its tracks, or lets it go on; its connections stay. Returns whether it could be told. */
    boolean freeze(boolean still) {
        long pid = pid();
        frozen = still;
        return pid != 0 && signal(still ? "-STOP" : "-CONT", pid);
    }

    /** Bounds the size of the files that it writes from now on, as a full disk would; -1: no more. */
    boolean limitFiles(long bytes) {
        long pid = pid();
        String limit = bytes < 0 ? "unlimited" : Long.toString(bytes);
        return pid != 0 && told(List.of("prlimit", "--pid", Long.toString(pid),
                "--fsize=" + limit + ":unlimited"));
    }

    private boolean signal(String signal, long pid) {
        return told(List.of("kill", signal, Long.toString(pid)));
    }

    private boolean told(List<String> telling) {
        try {
            return new ProcessBuilder(telling).start().waitFor() == 0;
        } catch (IOException e) {
            LOG.warn("{} cannot be told {}: {}", member.label(), telling, e.toString());
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Has it drain and end, by force if it takes too long. */
    void stop() {
        Process running;
        synchronized (this) {
            wanted = false;
            running = process;
        }
        if (running == null) {
            return;
        }
        if (frozen) {
            boolean unused = freeze(false);
        }
        try {
            running.destroy();
            if (!running.waitFor(TERM.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("{} did not end in time", member.label());
                running.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
