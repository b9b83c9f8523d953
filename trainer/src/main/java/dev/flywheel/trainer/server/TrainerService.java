package dev.flywheel.trainer.server;

import dev.flywheel.adapters.identity.AdapterName;
import dev.flywheel.api.v1.Capacity;
import dev.flywheel.api.v1.GetCapacityRequest;
import dev.flywheel.api.v1.TrainReply;
import dev.flywheel.api.v1.TrainRequest;
import dev.flywheel.api.v1.TrainingGrpc;
import dev.flywheel.trainer.round.RoundStoppedException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs claimed rounds, one after the other, on a thread of its own.
 *
 * <p>Idempotent by (adapter, seq, epoch): a repeated call joins the round while it waits or runs,
 * and gets the kept reply afterwards; should that be gone, the round runs again and gives the same
 * candidate. A round whose last caller left stops between two units of work. Bounded: so many
 * rounds wait, so many replies are kept, more are shed with a retry hint.
 *
 * <p>Thread-safe. {@link #close} stops the running round and the thread.
 */
public final class TrainerService extends TrainingGrpc.TrainingImplBase implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TrainerService.class);

    private final RoundWorker worker;
    private final TrainerSettings settings;
    private final RoundListener listener;
    private final Thread thread;

    // All guarded by this.
    private final Queue<RunningRound> waiting = new ArrayDeque<>();
    private final Map<RoundKey, RunningRound> rounds = new HashMap<>();
    private final Map<RoundKey, TrainReply> replies;
    private @Nullable RunningRound running;
    private boolean closed;

    public TrainerService(RoundWorker worker, TrainerSettings settings, RoundListener listener) {
        this.worker = worker;
        this.settings = settings;
        this.listener = listener;
        this.replies =
                new LinkedHashMap<>() {
                    @Override
                    protected boolean removeEldestEntry(Map.Entry<RoundKey, TrainReply> eldest) {
                        return size() > settings.repliesKept();
                    }
                };
        this.thread = Thread.ofPlatform().name("trainer-" + settings.trainerId()).start(this::work);
    }

    @Override
    public void train(TrainRequest request, StreamObserver<TrainReply> caller) {
        try {
            RoundKey key = key(request);
            TrainReply kept = admit(key, caller);
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
    private synchronized @Nullable TrainReply admit(RoundKey key,
            StreamObserver<TrainReply> caller) {
        TrainReply kept = replies.get(key);
        if (kept != null) {
            return kept;
        }
        RunningRound round = rounds.get(key);
        if (round == null || !round.join(caller)) {
            round = enqueue(key);
            round.join(caller);
        }
        stopWhenCancelled(round, caller);
        return null;
    }

    private RunningRound enqueue(RoundKey key) {
        forgetAbandoned();
        if (closed) {
            throw Failures.closing();
        }
        if (waiting.size() >= settings.roundsWaitingMax()) {
            throw Failures.shed(settings.roundsWaitingMax(), settings.retryAfter());
        }
        RunningRound round = new RunningRound(key);
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
        RunningRound round = next();
        while (round != null) {
            run(round);
            round = next();
        }
    }

    private synchronized @Nullable RunningRound next() {
        running = null;
        while (waiting.isEmpty() && !closed) {
            try {
                wait();
            } catch (InterruptedException interrupted) {
                closed = true;
            }
        }
        running = closed ? null : waiting.poll();
        return running;
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
        } catch (RuntimeException bug) {
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
