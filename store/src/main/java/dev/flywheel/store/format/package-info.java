/** How the store writes itself to disk; generated, used by {@code store.rocksdb} and {@code store.replica} alone. */
@NullMarked
package dev.flywheel.store.format;

import org.jspecify.annotations.NullMarked;
