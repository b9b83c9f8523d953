/**
 * The transformer: forward, LoRA backward, KV blocks, backends, the device loop.
 *
 * <p>It may use {@code adapters} and nothing else of Flywheel: no gRPC, no Kafka, no store.
 * It may not decide what to run: it offers work sources a device loop and obeys them.
 */
@NullMarked
package dev.flywheel.engine;

import org.jspecify.annotations.NullMarked;
