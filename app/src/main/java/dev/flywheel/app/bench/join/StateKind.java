package dev.flywheel.app.bench.join;

/** Where Flink keeps keyed state. */
public enum StateKind {
    /** Objects of the JVM. */
    heap("hashmap", 60_000),
    /** Flink's RocksDB build, on the machine's temporary folder. */
    rocksdb("rocksdb", 20_000);

    private final String backend;
    private final int target;

    StateKind(String backend, int target) {
        this.backend = backend;
        this.target = target;
    }

    /** Returns its name in Flink's configuration. */
    String backend() {
        return backend;
    }

    /** Returns how many events a second are to be joined on two cores. */
    public int target() {
        return target;
    }
}
