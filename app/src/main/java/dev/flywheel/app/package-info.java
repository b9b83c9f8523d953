/**
 * The flywheel command, configuration, one-process mode, console, demo.
 *
 * <p>It may use everything and nothing may use it: it wires, and holds no rule of the domain.
 * Only this module may name picocli, YAML, the Kafka broker and the MiniCluster.
 */
@NullMarked
package dev.flywheel.app;

import org.jspecify.annotations.NullMarked;
