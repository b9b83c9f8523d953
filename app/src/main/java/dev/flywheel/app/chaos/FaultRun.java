package dev.flywheel.app.chaos;

import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.app.cluster.Cluster;
import dev.flywheel.app.cluster.JobState;
import dev.flywheel.app.cluster.Member;
import dev.flywheel.app.local.RemoteJob.Standing;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries faults out on a cluster, one after the other. For one thread. */
final class FaultRun {
    private static final Logger LOG = LoggerFactory.getLogger(FaultRun.class);
    /** A failpoint that nothing passes by is taken back. */
    private static final Duration REACHED = Duration.ofSeconds(40);
    private static final Duration RECOVERED = Duration.ofSeconds(120);
    private static final long LOOK_MILLIS = 50;
    /** Each look asks every process: more often would cost the cluster what it recovers with. */
    private static final long ASK_MILLIS = 250;
    /** The round that was open when a process was killed may end as it would have. */
    private static final int NEWER = 2;
    private static final List<Duration> JUMPS = List.of(Duration.ofHours(-1), Duration.ofHours(1),
            Duration.ofDays(-1), Duration.ofDays(1), Duration.ofSeconds(-5), Duration.ofSeconds(5));
    private static final long DISK_LEFT = 65_536;

    private final Cluster cluster;
    private final Path failpoints;
    private final Surgery surgery;
    private final Damage damage;
    private final List<Hit> hits = new ArrayList<>();
    private final Map<String, Long> counts = new TreeMap<>();
    private final List<String> strays = new ArrayList<>();
    private int kills;
    private long servedBefore;

    /** @param failpoints folder that the members look into */
    FaultRun(Cluster cluster, Path failpoints, Surgery surgery) {
        this.cluster = cluster;
        this.failpoints = failpoints;
        this.surgery = surgery;
        this.damage = new Damage(cluster);
    }

    /** Waits as the step says, and does it. */
    void carryOut(FaultPlan.Step step) throws IOException, InterruptedException {
        if (!step.hasty()) {
            awaitRecovered();
        }
        TimeUnit.MILLISECONDS.sleep(step.pauseMillis());
        LOG.info("fault {}", step);
        switch (step.fault()) {
            case KILL -> kill(step.member());
            case FAILPOINT -> failpoint(step);
            case FREEZE -> freeze(step);
            case WRITERS -> writers(step);
            case FORGET -> forget();
            case DISK -> disk(step);
            case FLIP -> flip(step);
            case CLOCK -> clock(step);
            case DAMAGE -> damage(step);
            case SURGERY -> operate(step.number());
            case CLIENT -> throw new IllegalStateException("clients do that by themselves");
        }
    }

    /** Until all of it works and has learned again, which it need not where clients say nothing. */
    private void awaitRecovered() throws InterruptedException {
        long deadline = System.nanoTime() + RECOVERED.toNanos();
        while ((!cluster.missing().isEmpty() || served() < servedBefore + NEWER)
                && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(ASK_MILLIS);
        }
        servedBefore = served();
    }

    /** Returns the number of the version that serves, or of the last that is known to have served. */
    private long served() {
        try {
            return cluster.store()
                    .listAliases(cluster.folder().config().adapter().name())
                    .stream()
                    .filter(alias -> alias.getAlias().equals("serving"))
                    .mapToLong(AliasRecord::getVersion)
                    .max()
                    .orElse(servedBefore);
        } catch (StatusRuntimeException away) {
            return servedBefore;
        }
    }

    private void kill(Member member) {
        long now = System.currentTimeMillis();
        if (cluster.kill(member)) {
            kills++;
            hit(Fault.KILL, member, "kill", true, now);
        }
    }

    private void failpoint(FaultPlan.Step step) throws IOException, InterruptedException {
        Failpoint failpoint = step.failpoint();
        Member member = failpoint.member();
        long pid = cluster.pid(member);
        cluster.expectEnd(member);
        if (failpoint.atStart()) {
            kill(Member.TASKMANAGER);
        }
        arm(failpoint.name(), "");
        if (failpoint.surgery() >= 0) {
            operate(step.number() / Surgery.KINDS * Surgery.KINDS + failpoint.surgery());
        }
        long deadline = System.nanoTime() + REACHED.toNanos();
        if (!reached(failpoint.name())) {
            LOG.info("nothing came by {}", failpoint);
            return;
        }
        while (pid != 0 && cluster.pid(member) == pid && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
        kills++;
        hit(Fault.FAILPOINT, member, failpoint.name(), true, System.currentTimeMillis());
        counts.merge("at " + failpoint.name(), 1L, Long::sum);
    }

    /** In one go: a process may look at any time. */
    private void arm(String name, String argument) throws IOException {
        Path file = failpoints.resolve(name);
        Files.writeString(file.resolveSibling("new"), argument);
        Files.move(file.resolveSibling("new"), file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Waits until a process has come by what is armed; returns whether one has. */
    private boolean reached(String name) throws IOException, InterruptedException {
        Path file = failpoints.resolve(name);
        long deadline = System.nanoTime() + REACHED.toNanos();
        while (Files.exists(file) && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
        return !Files.deleteIfExists(file);
    }

    private void flip(FaultPlan.Step step) throws IOException, InterruptedException {
        arm("flip-blob", Long.toString(step.number()));
        if (reached("flip-blob")) {
            hit(Fault.FLIP, step.member(), "bit flipped", false, System.currentTimeMillis());
        }
    }

    private void clock(FaultPlan.Step step) throws IOException, InterruptedException {
        Duration off = JUMPS.get((int) (step.number() % JUMPS.size()));
        arm("clock", Long.toString(off.toMillis()));
        hit(Fault.CLOCK, step.member(), "clock off by " + off, false, System.currentTimeMillis());
        TimeUnit.MILLISECONDS.sleep(step.holdMillis());
        Files.deleteIfExists(failpoints.resolve("clock"));
    }

    private void freeze(FaultPlan.Step step) throws InterruptedException {
        if (!cluster.freeze(step.member())) {
            return;
        }
        hit(Fault.FREEZE, step.member(), "freeze", false, System.currentTimeMillis());
        TimeUnit.MILLISECONDS.sleep(step.holdMillis());
        boolean unused = cluster.thaw(step.member());
    }

    /** The second job takes the epoch, and the first one takes it back: each is the other's zombie. */
    private void writers(FaultPlan.Step step) throws InterruptedException {
        try {
            Optional<Path> from = step.holdMillis() % 2 == 0 ? Optional.empty()
                    : cluster.flink().newestCheckpoint();
            String second = cluster.flink().submit(from);
            hit(Fault.WRITERS, step.member(), "second job", false, System.currentTimeMillis());
            strays.add(second);
            TimeUnit.MILLISECONDS.sleep(step.holdMillis() + 4_000);
        } catch (IOException away) {
            LOG.info("no second job now: {}", away.toString());
        }
        endStrays();
    }

    private void endStrays() throws InterruptedException {
        long deadline = System.nanoTime() + RECOVERED.toNanos();
        while (!strays.isEmpty() && System.nanoTime() - deadline < 0) {
            String stray = strays.getFirst();
            try {
                if (cluster.flink().standing(stray) == Standing.GONE) {
                    strays.removeFirst();
                } else {
                    cluster.flink().cancel(stray);
                }
            } catch (IOException away) {
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            }
        }
    }

    private void forget() throws InterruptedException {
        cluster.state(JobState.NONE);
        int before = cluster.submissions();
        kill(Member.JOBMANAGER);
        counts.merge(Fault.FORGET.label(), 1L, Long::sum);
        long deadline = System.nanoTime() + RECOVERED.toNanos();
        while (cluster.submissions() == before && System.nanoTime() - deadline < 0) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
        cluster.state(JobState.NEWEST);
    }

    private void disk(FaultPlan.Step step) throws InterruptedException, IOException {
        // Room for the running log file to grow a little: what then fails is in the midst of a write.
        if (!cluster.limitFiles(Member.STORE, largestFile() + DISK_LEFT)) {
            return;
        }
        hit(Fault.DISK, Member.STORE, "disk full", false, System.currentTimeMillis());
        TimeUnit.MILLISECONDS.sleep(step.holdMillis());
        boolean unused = cluster.limitFiles(Member.STORE, -1);
    }

    private void damage(FaultPlan.Step step) throws IOException, InterruptedException {
        boolean ofStore = step.number() % 3 != 0;
        long number = step.number() / 3;
        String what = ofStore ? damage.store(number) : damage.checkpoint(number);
        if (!what.isEmpty()) {
            hit(Fault.DAMAGE, ofStore ? Member.STORE : Member.TASKMANAGER, what, false,
                    System.currentTimeMillis());
            counts.merge("damage " + what, 1L, Long::sum);
        }
    }

    private void operate(long number) throws InterruptedException {
        String what = surgery.operate(number);
        if (!what.isEmpty()) {
            hit(Fault.SURGERY, Member.STORE, what, false, System.currentTimeMillis());
            counts.merge("surgery " + what, 1L, Long::sum);
        }
    }

    private long largestFile() throws IOException {
        try (Stream<Path> files = Files.walk(cluster.folder().root().resolve("store"))) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .max()
                    .orElse(0);
        }
    }

    private void hit(Fault fault, Member member, String what, boolean killed, long atMillis) {
        hits.add(new Hit(member, what, killed, atMillis));
        counts.merge(fault.label(), 1L, Long::sum);
    }

    /** Returns what a fault itself has shown to be not as promised. */
    List<String> violations() {
        return damage.violations();
    }

    int kills() {
        return kills;
    }

    List<Hit> hits() {
        return List.copyOf(hits);
    }

    /** Returns how often each fault was carried out. */
    Map<String, Long> counts() {
        return Map.copyOf(counts);
    }

    /** Returns the last fault, for a person. */
    String last() {
        return hits.isEmpty() ? "" : hits.getLast().member().label() + " " + hits.getLast().what();
    }

    /** Takes back what still stands. */
    void heal() throws IOException, InterruptedException {
        try (Stream<Path> armed = Files.list(failpoints)) {
            for (Path file : armed.toList()) {
                Files.deleteIfExists(file);
            }
        }
        cluster.state(JobState.NEWEST);
        endStrays();
    }
}
