package dev.flywheel.serving.replica;

import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.serving.adapter.VersionSource;
import dev.flywheel.serving.error.ErrorCode;
import dev.flywheel.serving.error.ServingException;
import dev.flywheel.store.replica.Replica;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Versions from the replica, and what it does not have from the store. */
final class ReplicaSource implements VersionSource {
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    private final Replica replica;
    private final VersionSource store;
    private final BooleanSupplier away;
    private final ReplicaMeters meters;

    /** @param away whether the store is known not to answer, so that nobody need wait to find out */
    ReplicaSource(Replica replica, VersionSource store, BooleanSupplier away,
            ReplicaMeters meters) {
        this.replica = replica;
        this.store = store;
        this.away = away;
        this.meters = meters;
    }

    @Override
    public VersionRecord version(String adapter, long number) {
        VersionRecord known = replica.version(adapter, number);
        if (known != null) {
            return known;
        }
        VersionRecord told = store(adapter + "@" + number).version(adapter, number);
        replica.told(told);
        return told;
    }

    @Override
    public byte[] blob(String digest) {
        byte[] kept = replica.blob(digest);
        if (kept != null) {
            meters.read(true);
            return kept;
        }
        byte[] fetched = store("blob " + digest).blob(digest);
        meters.read(false);
        replica.fetched(digest, fetched);
        return fetched;
    }

    @Override
    public String backendOf(String adapter, long manifestSeq) {
        String known = replica.backend(adapter, manifestSeq);
        if (known != null) {
            return known;
        }
        String told = store(adapter + " manifest " + manifestSeq).backendOf(adapter, manifestSeq);
        replica.backend(adapter, manifestSeq, told);
        return told;
    }

    @Override
    public void answers(String alias, VersionRecord version) {
        replica.answers(alias, version);
    }

    private VersionSource store(String what) {
        if (away.getAsBoolean()) {
            throw ServingException.later(ErrorCode.LOADING,
                    "the store does not answer now, and this node's replica has no " + what,
                    RETRY_AFTER);
        }
        return store;
    }
}
