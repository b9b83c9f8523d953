package dev.flywheel.store.core;

/**
 * A claimed round without an outcome, as far as the rules need it in memory.
 *
 * @param replays seq of the replaced manifest that it holds again; 0: none
 */
public record OpenManifest(long seq, long epoch, long parent, int examples, long replays) {}
