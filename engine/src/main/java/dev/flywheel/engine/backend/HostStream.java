package dev.flywheel.engine.backend;

/** A stream of a backend that runs each call before it returns: there is nothing to wait for. */
public record HostStream(Priority priority) implements Stream {
    @Override
    public void synchronize() {}

    @Override
    public void close() {}
}
