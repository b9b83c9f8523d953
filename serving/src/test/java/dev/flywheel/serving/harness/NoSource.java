package dev.flywheel.serving.harness;

import dev.flywheel.api.v1.VersionRecord;
import dev.flywheel.serving.adapter.VersionSource;

/** A source for tests in which nothing may be loaded. */
public final class NoSource implements VersionSource {
    @Override
    public VersionRecord version(String adapter, long number) {
        throw new AssertionError("version " + number + " of " + adapter + " was asked for");
    }

    @Override
    public byte[] blob(String digest) {
        throw new AssertionError("blob " + digest + " was asked for");
    }

    @Override
    public String backendOf(String adapter, long manifestSeq) {
        throw new AssertionError("manifest " + manifestSeq + " of " + adapter + " was asked for");
    }
}
