package dev.flywheel.trainer.server;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.GetCapacityRequest;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.TrainRequest;
import dev.flywheel.api.v1.TrainingGrpc;
import dev.flywheel.trainer.round.RoundStoppedException;
import io.grpc.BindableService;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs claimed rounds, one after the other, on a thread of its own.
 *
 * <p>Idempotent by (adapter, seq, epoch): a repeated call joins the round while it waits or runs,
 * and gets the kept reply afterwards; should that be gone, the round runs again and gives the same
 * candidate. A round whose last caller left stops between two units of work, see {@link
 * RunningRound}, and so does one that is asked for in a later epoch. Bounded: so many rounds wait,
 * so many replies are kept, more are shed with a retry hint.
 *
 * <p>Whatever a round throws fails that round alone. Should the thread end nevertheless, everybody is
 * told, {@link #health} turns to NOT_SERVING and calls are refused.
 *
 * <p>Thread-safe. {@link #close} stops the running round and the thread.
 */
public final class TrainerService extends TrainingGrpc.TrainingImplBase implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TrainerService.class);

    private final RoundWorker worker;
    private final TrainerSettings settings;
    private final RoundListener listener;
    private final LongSupplier nanoTime;
    private final HealthStatusManager health = new HealthStatusManager();
    private final Thread thread;

    // All guarded by this.
    private final Queue<RunningRound> waiting = new ArrayDeque<>();
    private final Map<RoundKey, RunningRound> rounds = new HashMap<>();
    private final Map<RoundKey, TrainReply> replies;
    private @Nullable RunningRound running;
    private boolean closed;
    private boolean dead;

    public TrainerService(RoundWorker worker, TrainerSettings settings, RoundListener listener) {
        this(worker, settings, listener, System::nanoTime);
    }

    TrainerService(RoundWorker worker, TrainerSettings settings, RoundListener listener,
            LongSupplier nanoTime) {
        this.worker = worker;
        this.settings = settings;
        this.listener = listener;
        this.nanoTime = nanoTime;
        this.replies =
                new LinkedHashMap<>() {
                    @Override
                    protected boolean removeEldestEntry(Map.Entry<RoundKey, TrainReply> eldest) {
                        return size() > settings.repliesKept();
                    }
                };
        health.setStatus(TrainingGrpc.SERVICE_NAME, ServingStatus.SERVING);
        this.thread = Thread.ofPlatform().name("trainer-" + settings.trainerId()).start(this::work);
    }

    /** Tells, as {@code grpc.health.v1.Health}, whether this trainer runs rounds. */
    public BindableService health() {
        return health.getHealthService();
    }

    @Override
    public void train(TrainRequest request, StreamObserver<TrainReply> caller) {
        try {
            RoundKey key = key(request);
            TrainReply kept = admit(key, request.getAnew(), caller);
            if (kept != null) {
                caller.onNext(kept);
                caller.onCompleted();
            }
        } catch (StatusRuntimeException refused) {
            caller.onError(refused);
        }
    }

    @Override
    public void getCapacity(GetCapacityRequest request, StreamObserver<Capacity> caller) {
        Capacity.Builder capacity =
                Capacity.newBuilder()
                        .setTrainerId(settings.trainerId())
                        .setBackend(worker.binding())
                        .setBaseDigest(worker.baseDigest());
        synchronized (this) {
            forgetAbandoned();
            capacity.setRoundsRunning(running == null ? 0 : 1).setRoundsWaiting(waiting.size());
            if (running != null) {
                capacity.setRunningAdapter(running.key().adapter())
                        .setRunningSeq(running.key().seq());
            }
        }
        caller.onNext(capacity.build());
        caller.onCompleted();
    }

    /** Stops what runs, sheds what waits, and returns once the worker thread is gone. */
    @Override
    public void close() throws InterruptedException {
        List<RunningRound> shed;
        synchronized (this) {
            closed = true;
            shed = List.copyOf(rounds.values());
            waiting.clear();
            notifyAll();
        }
        shed.forEach(round -> round.fail(Failures.closing()));
        thread.join();
    }

    private static RoundKey key(TrainRequest request) {
        try {
            return new RoundKey(
                    new AdapterName(request.getAdapter()).value(),
                    request.getSeq(),
                    request.getEpoch());
        } catch (IllegalArgumentException malformed) {
            throw Failures.malformed(String.valueOf(malformed.getMessage()));
        }
    }

    /** Returns the kept reply, or null once the caller waits for the round. */
    private synchronized @Nullable TrainReply admit(RoundKey key, boolean anew,
            StreamObserver<TrainReply> caller) {
        if (anew) {
            replies.remove(key);
        }
        TrainReply kept = replies.get(key);
        if (kept != null) {
            return kept;
        }
        supersede(key);
        RunningRound round = rounds.get(key);
        if (round == null || !round.join(caller)) {
            round = enqueue(key);
            round.join(caller);
        }
        stopWhenCancelled(round, caller);
        return null;
    }

    /** The round of an earlier epoch has no right to an outcome any more; it must not hold up this one. */
    private void supersede(RoundKey key) {
        rounds.values()
                .stream()
                .filter(round -> key.supersedes(round.key()))
                .forEach(round -> round.fail(Failures.superseded(key.epoch())));
    }

    private RunningRound enqueue(RoundKey key) {
        forgetAbandoned();
        if (closed) {
            throw dead ? Failures.dead() : Failures.closing();
        }
        if (waiting.size() >= settings.roundsWaitingMax()) {
            throw Failures.shed(settings.roundsWaitingMax(), settings.retryAfter());
        }
        RunningRound round = new RunningRound(key, settings.abandonedGrace(), nanoTime);
        rounds.put(key, round);
        waiting.add(round);
        notifyAll();
        return round;
    }

    /** Drops rounds that nobody waits for any more and that have not begun. */
    private synchronized void forgetAbandoned() {
        waiting.removeIf(RunningRound::stopped);
        rounds.values().removeIf(round -> round != running && round.stopped());
    }

    private static void stopWhenCancelled(RunningRound round, StreamObserver<TrainReply> caller) {
        ((ServerCallStreamObserver<TrainReply>) caller)
                .setOnCancelHandler(() -> round.leave(caller));
    }

    private void work() {
        try {
            RunningRound round = next();
            while (round != null) {
                run(round);
                round = next();
            }
        } finally {
            ended();
        }
    }

    private synchronized @Nullable RunningRound next() {
        running = null;
        while (running == null && !closed) {
            forgetAbandoned();
            RunningRound first = waiting.poll();
            if (first == null) {
                awaitWork();
            } else if (first.begin()) {
                running = first;
            } else {
                rounds.remove(first.key(), first);
            }
        }
        return running;
    }

    private synchronized void awaitWork() {
        try {
            wait();
        } catch (InterruptedException interrupted) {
            LOG.debug("woken up early: nobody but close ends this thread");
        }
    }

    /** The thread goes. If nobody closed the trainer, all who count on it are told. */
    private void ended() {
        List<RunningRound> left;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            dead = true;
            running = null;
            left = List.copyOf(rounds.values());
            rounds.clear();
            waiting.clear();
        }
        LOG.error("trainer {} has lost its thread and runs no round any more",
                settings.trainerId());
        health.setStatus(TrainingGrpc.SERVICE_NAME, ServingStatus.NOT_SERVING);
        left.forEach(round -> round.fail(Failures.dead()));
        listener.died();
    }

    private void run(RunningRound round) {
        try {
            RoundWorker.Done done = worker.run(round.key(), round::stopped);
            finish(round, done.reply());
            round.complete(done.reply());
            listener.ended(done.report());
        } catch (RoundStoppedException stopped) {
            fail(round, Failures.stopped());
        } catch (StatusRuntimeException failed) {
            fail(round, failed);
        } catch (RuntimeException | Error bug) {
            // An error too ends this round alone: without this thread no adapter learns any more.
            LOG.error("round failed: adapter {} seq {}", round.key().adapter(), round.key().seq(),
                    bug);
            fail(round, Failures.broken("round failed: " + bug));
        }
    }

    private void fail(RunningRound round, StatusRuntimeException failure) {
        LOG.info(
                "round not done: adapter {} seq {} epoch {}: {}",
                round.key().adapter(),
                round.key().seq(),
                round.key().epoch(),
                failure.getStatus());
        finish(round, null);
        round.fail(failure);
        listener.failed(round.key(), failure.getStatus().getCode().name());
    }

    private synchronized void finish(RunningRound round, @Nullable TrainReply reply) {
        rounds.remove(round.key(), round);
        if (reply != null) {
            replies.put(round.key(), reply);
        }
    }
}
