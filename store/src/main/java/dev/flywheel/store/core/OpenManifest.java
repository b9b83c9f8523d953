package dev.flywheel.store.core;

/** A claimed round without an outcome, as far as the rules need it in memory. */
public record OpenManifest(long seq, long epoch, long parent, int examples) {}
