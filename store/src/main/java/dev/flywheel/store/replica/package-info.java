/**
 * What a node keeps on its own disk of the versions that it serves, so that it starts and answers while the store is away.
 *
 * <p>Pure: it decides what is kept and in which order it goes. It knows nothing of RocksDB, which keeps it, and reads no clock.
 */
@NullMarked
package dev.flywheel.store.replica;

import org.jspecify.annotations.NullMarked;
