/**
 * The node's gRPC face: validation, error mapping, streaming, limits; and its eyes on the store.
 */
@NullMarked
package dev.flywheel.serving.rpc;

import org.jspecify.annotations.NullMarked;
