package dev.flywheel.trainer.round;

/** An example that a round leaves out, and why; it is counted, never silently dropped. */
public record Untrainable(String exampleId, String reason) {}
