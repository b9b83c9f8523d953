package dev.flywheel.serving.adapter;

/** Names a version of an adapter. */
record VersionKey(String adapter, long number) {
    @Override
    public String toString() {
        return adapter + "@" + number;
    }
}
