/**
 * The node's own copy of what it serves: it begins from it while the store is away, and fetches nothing twice.
 */
@NullMarked
package dev.flywheel.serving.replica;

import org.jspecify.annotations.NullMarked;
