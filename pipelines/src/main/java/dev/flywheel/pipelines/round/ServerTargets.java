package dev.flywheel.pipelines.round;

import java.io.Serializable;

/** Where store and trainer listen, each {@code host:port}. */
public record ServerTargets(String store, String trainer) implements Serializable {}
