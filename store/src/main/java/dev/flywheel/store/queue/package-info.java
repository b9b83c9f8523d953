/**
 * A bounded queue on a node's own disk, for what waits until another system takes it.
 *
 * <p>It knows nothing of what the records mean and nothing of RocksDB, which keeps them.
 */
@NullMarked
package dev.flywheel.store.queue;

import org.jspecify.annotations.NullMarked;
