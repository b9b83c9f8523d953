package dev.flywheel.engine.backend.cpu;

import dev.flywheel.engine.backend.Stream;

/** A stream whose calls run before they return; holds the scratch memory of its threads. */
final class CpuStream implements Stream {
    private final Priority priority;
    private final Workspace[] workspaces;

    CpuStream(Priority priority, int threads) {
        this.priority = priority;
        this.workspaces = new Workspace[threads];
        for (int t = 0; t < threads; t++) {
            workspaces[t] = new Workspace();
        }
    }

    /** Returns the scratch memory of a thread: 0 is the caller, the others are the workers. */
    Workspace workspace(int thread) {
        return workspaces[thread];
    }

    @Override
    public Priority priority() {
        return priority;
    }

    @Override
    public void synchronize() {}

    @Override
    public void close() {}
}
