package dev.flywheel.trainer.server;

/** What makes two Train calls the same round. */
public record RoundKey(String adapter, long seq, long epoch) {}
