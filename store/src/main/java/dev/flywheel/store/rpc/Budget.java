package dev.flywheel.store.rpc;

/** Bytes that all blob transfers together may hold in memory. Thread-safe; what was taken must be given back once. */
final class Budget {
    private final long bytesMax;
    private long taken;

    Budget(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    synchronized void take(long bytes) {
        if (taken + bytes > bytesMax) {
            throw Errors.exhausted("TRANSFERS_FULL", "blob transfers hold " + taken
                    + " bytes already, allowed are " + bytesMax + "; try again later");
        }
        taken += bytes;
    }

    synchronized void give(long bytes) {
        taken -= bytes;
        assert taken >= 0 : "more given back than taken";
    }

    synchronized long taken() {
        return taken;
    }
}
