package dev.flywheel.app.chaos;

import dev.flywheel.api.client.StoreClient;
import dev.flywheel.api.v1.ExciseRequest;
import dev.flywheel.api.v1.ForgetRequest;
import dev.flywheel.api.v1.ReadmitRequest;
import dev.flywheel.api.v1.RollbackRequest;
import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.api.v1.VersionState;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes what an adapter has learned, as an operator who does not give up: rolls back, takes rounds out and brings them back,
 * forgets users. What each begins goes on while the next faults come. For one thread.
 */
final class Surgery {
    private static final Logger LOG = LoggerFactory.getLogger(Surgery.class);
    private static final Duration GIVE_UP = Duration.ofSeconds(120);
    /** Rollback, excise, readmit, forget; a number's kind is its remainder. */
    static final int KINDS = 4;
    private static final long RETRY_MILLIS = 200;
    /** What lies further back takes long to train again. */
    private static final int RECENT = 12;
    private static final String ACTOR = "chaos";

    private final StoreClient store;
    private final String adapter;
    private final LongFunction<Optional<String>> users;
    private final Set<String> forgotten = new TreeSet<>();

    /** @param users names one who gave feedback lately, by a number */
    Surgery(StoreClient store, String adapter, LongFunction<Optional<String>> users) {
        this.store = store;
        this.adapter = adapter;
        this.users = users;
    }

    /** Returns what was done; empty if there was nothing to do it to, or nobody to ask. */
    String operate(long number) throws InterruptedException {
        // One user, however often it takes: a forgetting that failed half-way is to be asked for again.
        Optional<String> user = users.apply(number);
        long deadline = System.nanoTime() + GIVE_UP.toNanos();
        while (System.nanoTime() - deadline < 0) {
            try {
                return once((int) (number % KINDS), (int) (number / KINDS % RECENT), user);
            } catch (StatusRuntimeException refused) {
                // HEAD has moved meanwhile, or the store is away: read again and decide anew.
                if (!OutsideClient.passing(refused)
                        && refused.getStatus().getCode() != Status.Code.FAILED_PRECONDITION) {
                    throw refused;
                }
                LOG.info("not now: {}", refused.getStatus());
                TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
            }
        }
        return "";
    }

    private String once(int kind, int back, Optional<String> user) {
        return switch (kind) {
            case 0 -> rollback(back / 4 + 1);
            case 1 -> excise(back);
            case 2 -> readmit(back);
            default -> user.map(this::forget).orElse("");
        };
    }

    private String rollback(int back) {
        List<Long> standing = versions(VersionState.VERSION_STATE_COMMITTED);
        if (standing.size() <= back) {
            return "";
        }
        var unused = store.rollback(RollbackRequest.newBuilder()
                .setAdapter(adapter)
                .setVersion(standing.get(back))
                .setExpectedHead(standing.getFirst())
                .setActor(ACTOR)
                .build());
        return "rollback";
    }

    private String excise(int back) {
        List<Long> standing = versions(VersionState.VERSION_STATE_COMMITTED);
        if (standing.size() <= back || standing.get(back) == 0) {
            return "";
        }
        var unused = store.excise(ExciseRequest.newBuilder()
                .setAdapter(adapter)
                .addVersions(standing.get(back))
                .setExpectedHead(standing.getFirst())
                .setActor(ACTOR)
                .build());
        return "excise";
    }

    private String readmit(int back) {
        List<Long> out = versions(VersionState.VERSION_STATE_ROLLED_BACK);
        if (out.isEmpty()) {
            return "";
        }
        var unused = store.readmit(ReadmitRequest.newBuilder()
                .setAdapter(adapter)
                .addVersions(out.get(back % out.size()))
                .setExpectedHead(store.getAdapter(adapter).getHead())
                .setActor(ACTOR)
                .build());
        return "readmit";
    }

    private String forget(String user) {
        var unused = store.forget(ForgetRequest.newBuilder()
                .setUser(user)
                .setAtOnce(user.hashCode() % 2 == 0)
                .setActor(ACTOR)
                .build());
        forgotten.add(user);
        return "forget";
    }

    /** The newest first. */
    private List<Long> versions(VersionState state) {
        return store.listVersions(adapter, 4 * RECENT)
                .stream()
                .filter(version -> version.getState() == state)
                .map(VersionRecord::getRef)
                .map(ref -> ref.getNumber())
                .toList();
    }

    /** Returns those whose forgetting was acknowledged. */
    Set<String> forgotten() {
        return Set.copyOf(forgotten);
    }
}
