/**
 * Protobuf messages as Flink types: bytes on the wire and in state, never Kryo.
 */
@NullMarked
package dev.flywheel.pipelines.message;

import org.jspecify.annotations.NullMarked;
