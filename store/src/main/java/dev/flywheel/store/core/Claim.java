package dev.flywheel.store.core;

/** The live manifest that an example id belongs to. */
public record Claim(String adapter, long seq) {}
