package dev.flywheel.trainer.round;

import dev.flywheel.api.v1.UntrainableReason;

/**
 * An example that a round leaves out, and why; it is quarantined, never silently dropped.
 *
 * @param detail what came and what is allowed, for a person
 */
public record Untrainable(String exampleId, UntrainableReason reason, String detail) {}
