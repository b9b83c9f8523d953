package dev.flywheel.serving.replica;

import dev.flywheel.api.client.WatchListener;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.WatchReply;
import dev.flywheel.store.replica.Replica;
import dev.flywheel.store.replica.Standing;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes what the store's watch says into the replica and hands it on; while the store has said nothing yet it can be told what the
 * replica has in its stead. Thread-safe.
 */
final class ReplicaFollower implements WatchListener {
    private static final Logger log = LoggerFactory.getLogger(ReplicaFollower.class);

    private final Replica replica;
    private final WatchListener next;
    private final Runnable begun;
    private final InstantSource clock;
    // Guarded by this.
    private boolean begunFromReplica;
    private boolean heard;
    private volatile boolean live;
    private volatile boolean fromReplica;

    /**
     * Makes a follower that has heard nothing.
     *
     * @param begun runs after {@code next} has been told all that the replica has
     */
    ReplicaFollower(Replica replica, WatchListener next, Runnable begun, InstantSource clock) {
        this.replica = replica;
        this.next = next;
        this.begun = begun;
        this.clock = clock;
    }

    /** Whether the store's state is followed to its end. */
    boolean live() {
        return live;
    }

    /** Whether the node goes by its replica: the store has not told all since the node started. */
    boolean fromReplica() {
        return fromReplica;
    }

    @Override
    public synchronized void onEvent(WatchReply reply) {
        heard = true;
        boolean followed = switch (reply.getEventCase()) {
            case ADAPTER -> {
                replica.told(reply.getAdapter());
                yield true;
            }
            case VERSION -> {
                replica.told(reply.getVersion());
                yield true;
            }
            case ALIAS -> replica.told(reply.getAlias());
            case SYNCED -> {
                synced(reply);
                yield true;
            }
            case EVENT_NOT_SET -> true;
        };
        if (followed) {
            next.onEvent(reply);
        }
        if (live) {
            replica.reached(reply.getCommit());
        }
    }

    private void synced(WatchReply reply) {
        for (String vanished : replica.toldAll()) {
            log.info("adapter {} is no more", vanished);
            next.onEvent(WatchReply.newBuilder()
                    .setCommit(reply.getCommit())
                    .setAdapter(AdapterRecord.newBuilder()
                            .setName(vanished)
                            .setDeletedAtMillis(clock.millis()))
                    .build());
        }
        if (fromReplica) {
            log.info("the store answers: this node serves from it, no longer from its replica");
        }
        live = true;
        fromReplica = false;
        begunFromReplica = true; // nothing that the replica says is newer any more
        replica.current(clock.millis());
    }

    @Override
    public synchronized void onInterrupted(StatusRuntimeException why) {
        live = false;
        heard = false;
        replica.begin();
        if (why.getStatus().getCode() == Status.Code.DATA_LOSS) {
            log.error(
                    "{}; this node goes on with what it has. If an older store was brought back on purpose,"
                            + " stop the node, remove folder replica of its data, and start it again",
                    why.getStatus().getDescription());
        }
        next.onInterrupted(why);
        beginFromReplica();
    }

    /** The store has had its time to say something. */
    synchronized void patienceEnds() {
        if (!heard) {
            beginFromReplica();
        }
    }

    /** The store does not answer: tells what the replica has, if the store has not said all before. */
    private void beginFromReplica() {
        Standing standing = replica.standing();
        if (begunFromReplica || live || standing.aliases().isEmpty()) {
            return;
        }
        begunFromReplica = true;
        fromReplica = true;
        log.warn("the store does not answer; this node serves from its replica: {} adapters as of"
                + " commit {}, {} s ago", standing.adapters().size(), standing.commit(),
                Math.max(0, clock.millis() - standing.atMillis()) / 1000);
        standing.adapters().forEach(each -> tell(WatchReply.newBuilder().setAdapter(each)));
        standing.versions().forEach(each -> tell(WatchReply.newBuilder().setVersion(each)));
        standing.aliases().forEach(each -> tell(WatchReply.newBuilder().setAlias(each)));
        begun.run();
    }

    private void tell(WatchReply.Builder said) {
        next.onEvent(said.build());
    }
}
