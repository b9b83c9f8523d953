package dev.flywheel.app.cluster;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.client.TrainerClient;
import dev.flywheel.app.local.DataFolder;
import dev.flywheel.app.local.RemoteJob;
import dev.flywheel.app.local.StartException;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop as separate processes on this machine, each started again whenever it ends, and their job submitted again whenever
 * it is gone.
 *
 * <p>Thread-safe. {@link #close} drains: serving first, so that nothing new comes in, then Flink, trainer, store and broker.
 */
public final class Cluster implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Cluster.class);
    private static final long LOOK_MILLIS = 50;
    private static final long WAIT_MILLIS = 100;
    private static final long ARCHIVE_SECONDS = 5;
    private static final long ARCHIVED_AFTER_ROUNDS = 3;
    private static final Duration PROBE = Duration.ofSeconds(2);

    private static final List<Member> CLOSED_IN_ORDER = List.of(Member.SERVING, Member.TASKMANAGER,
            Member.JOBMANAGER, Member.TRAINER, Member.STORE, Member.BROKER);

    private final ClusterFolder folder;
    private final DataFolder lock;
    private final MemberCommand commands;
    private final Map<Member, Child> children = new EnumMap<>(Member.class);
    private final RemoteJob flink;
    private final JobKeeper keeper;
    private final ManagedChannel serving;
    private final ManagedChannel trainerChannel;
    private final TrainerClient trainer;
    private final StoreClient store;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("supervisor").factory());
    private final ScheduledExecutorService archiver = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("class-archive").factory());
    private volatile JobState state;
    // Used by the archiver alone.
    private long trainedPid;
    private long trainedFrom = -1;

    private Cluster(ClusterFolder folder, Path model, JobState state,
            Map<Member, List<String>> flags) {
        this.folder = folder;
        this.state = state;
        this.lock = DataFolder.take(folder.root().resolve("cluster"),
                folder.config().data().freeMibMin(), "--data");
        this.commands = new MemberCommand(folder, model, flags);
        for (Member member : Member.values()) {
            children.put(member, new Child(member, commands.of(member), folder.log(member)));
        }
        this.flink = new RemoteJob(folder.config(),
                folder.flink().settings(folder.config().loop()),
                folder.flink().checkpoints(), Path.of(folder.config().processes().tokenKeys()));
        this.keeper = new JobKeeper(flink, folder.config(), () -> this.state);
        this.serving = channel("127.0.0.1:" + folder.config().server().port());
        this.trainerChannel = channel(folder.config().processes().trainer());
        this.trainer = new TrainerClient(trainerChannel);
        this.store = StoreClient.connect(folder.config().processes().store());
    }

    /**
     * Starts all processes and returns at once.
     *
     * @param model base model folder
     * @param state what the job begins with
     * @param flags further flags of the JVM, by member
     */
    public static Cluster start(ClusterFolder folder, Path model, JobState state,
            Map<Member, List<String>> flags) {
        Cluster cluster = new Cluster(folder, model, state, flags);
        cluster.children.values().forEach(Child::want);
        var unused = cluster.timer.scheduleWithFixedDelay(cluster::look, 0, LOOK_MILLIS,
                TimeUnit.MILLISECONDS);
        var unusedToo = cluster.archiver.scheduleWithFixedDelay(cluster::keepClasses,
                ARCHIVE_SECONDS, ARCHIVE_SECONDS, TimeUnit.SECONDS);
        cluster.keeper.start();
        return cluster;
    }

    private static ManagedChannel channel(String target) {
        return Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
    }

    /** Once a process of the trainer has trained, so that the classes of training are among them. Tried once. */
    private void keepClasses() {
        ClassArchive classes = commands.trainerClasses();
        Child trainerProcess = child(Member.TRAINER);
        long pid = trainerProcess.pid();
        try {
            if (classes.settled()) {
                archiver.shutdown();
            } else if (hasTrained(pid) && classes.list() && trainerProcess.pid() == pid) {
                archiver.shutdown();
                classes.make();
                trainerProcess.command(commands.of(Member.TRAINER));
            }
        } catch (IOException e) {
            archiver.shutdown();
            LOG.warn(
                    "the trainer's classes are not kept, so that it takes longer to start again: {}",
                    e.getMessage());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean hasTrained(long pid) {
        long head = head();
        if (pid != trainedPid) {
            trainedPid = pid;
            trainedFrom = head;
        }
        return pid != 0 && trainedFrom >= 0 && head >= trainedFrom + ARCHIVED_AFTER_ROUNDS;
    }

    /** The newest version of the adapter that is there from the start; -1 if the store does not tell. */
    private long head() {
        try {
            return store.getAdapter(folder.config().adapter().name()).getHead();
        } catch (StatusRuntimeException away) {
            return -1;
        }
    }

    private void look() {
        for (Child child : children.values()) {
            try {
                child.look(System.nanoTime());
            } catch (RuntimeException e) {
                LOG.warn("{} cannot be started, trying on: {}", child.member().label(),
                        e.toString());
            }
        }
    }

    /**
     * Waits until all of it works.
     *
     * @throws StartException naming what does not
     */
    public void awaitReady(Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        String missing = missing();
        while (!missing.isEmpty()) {
            if (System.nanoTime() - deadline > 0) {
                throw new StartException("%s not ready after %d s; see %s".formatted(missing,
                        timeout.toSeconds(), folder.root().resolve("log")));
            }
            TimeUnit.MILLISECONDS.sleep(WAIT_MILLIS);
            missing = missing();
        }
    }

    /** Returns what does not work now, for an operator; empty if all does. */
    public String missing() throws InterruptedException {
        if (!storeAnswers()) {
            return "store is";
        }
        if (!trainerAnswers()) {
            return "trainer is";
        }
        if (!servingAnswers()) {
            return "serving is";
        }
        return keeper.runs() ? "" : "stream job is";
    }

    /** Whether the store takes calls. */
    public boolean storeAnswers() {
        try {
            var unused = store.listAdapters();
            return true;
        } catch (StatusRuntimeException away) {
            return false;
        }
    }

    private boolean trainerAnswers() {
        try {
            trainerChannel.resetConnectBackoff();
            var unused = trainer.capacity(PROBE).join();
            return true;
        } catch (CompletionException away) {
            return false;
        }
    }

    private boolean servingAnswers() {
        try {
            serving.resetConnectBackoff();
            return HealthGrpc.newBlockingStub(serving)
                    .withDeadlineAfter(PROBE.toMillis(), TimeUnit.MILLISECONDS)
                    .check(HealthCheckRequest.getDefaultInstance())
                    .getStatus() == ServingStatus.SERVING;
        } catch (StatusRuntimeException away) {
            return false;
        }
    }

    private Child child(Member member) {
        return Objects.requireNonNull(children.get(member), member.label());
    }

    /** Kills a member as {@code kill -9} does; it is started again. Returns whether it lived. */
    public boolean kill(Member member) {
        return child(member).kill();
    }

    /** Kills a member and leaves it down, until {@link #letStart}. Returns whether it lived. */
    public boolean hold(Member member) {
        return child(member).hold();
    }

    /** Has a member that was held start again. */
    public void letStart(Member member) {
        child(member).want();
    }

    /** How often a member's process ended without being killed. */
    public int failures(Member member) {
        return child(member).failures();
    }

    /** Stops a member in its tracks: it does nothing, and its connections stay. Returns whether it could be told. */
    public boolean freeze(Member member) {
        return child(member).freeze(true);
    }

    /** Lets a frozen member go on; returns whether it could be told. */
    public boolean thaw(Member member) {
        return child(member).freeze(false);
    }

    /**
     * Bounds the size of the files that a member writes, as a full disk would; -1: no more. A new process of it is free of that.
     * Returns whether it could be told.
     */
    public boolean limitFiles(Member member, long bytes) {
        return child(member).limitFiles(bytes);
    }

    /** Marks an end of a member that is about to come as wanted. */
    public void expectEnd(Member member) {
        child(member).expectEnd();
    }

    /** Whether its process lives; it may still be starting. */
    public boolean alive(Member member) {
        return child(member).alive();
    }

    /** Returns the id of its process; 0 while there is none. */
    public long pid(Member member) {
        return child(member).pid();
    }

    /** Sets what the job's next starts begin with. */
    public void state(JobState next) {
        state = next;
    }

    /** Returns the job's id, if it was submitted. */
    public Optional<String> job() {
        return keeper.job();
    }

    /** Whether all tasks of the job ran at the last look. */
    public boolean jobRuns() {
        return keeper.runs();
    }

    /** How often the job was submitted. */
    public int submissions() {
        return keeper.submissions();
    }

    public RemoteJob flink() {
        return flink;
    }

    /** The store, over its own port. */
    public StoreClient store() {
        return store;
    }

    /** A channel to the node, as outside clients have it. */
    public ManagedChannel channel() {
        return serving;
    }

    public ClusterFolder folder() {
        return folder;
    }

    @Override
    public void close() {
        keeper.close();
        timer.shutdownNow();
        archiver.shutdownNow();
        serving.shutdownNow();
        trainer.close();
        store.close();
        CLOSED_IN_ORDER.forEach(member -> child(member).stop());
        flink.close();
        lock.close();
    }
}
