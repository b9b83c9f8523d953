/**
 * Versions at rest: commit rules, aliases, claims, audit, replica, spool.
 *
 * <p>It may use {@code api} and {@code adapters}. Its commit rules may not do I/O or read a clock.
 * Only {@code store.rocksdb} may name RocksDB, and nothing may be acknowledged before it is durable.
 */
@NullMarked
package dev.flywheel.store;

import org.jspecify.annotations.NullMarked;
