/**
 * Flink topologies around the pure code, the round driver, the release job.
 *
 * <p>It may use {@code api}, {@code adapters}, {@code feedback} and Flink; no engine, no RocksDB.
 * It may not block a Flink thread, and no promise may rest on Flink state alone.
 */
@NullMarked
package dev.flywheel.pipelines;

import org.jspecify.annotations.NullMarked;
