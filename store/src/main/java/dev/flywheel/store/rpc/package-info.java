/**
 * The store's gRPC services.
 *
 * <p>They check every field before anything else sees it, hold no rule of the store, and bound what a slow or greedy caller can
 * make them keep. Failures carry {@code google.rpc} details; nothing of the inside leaks into them.
 */
@NullMarked
package dev.flywheel.store.rpc;

import org.jspecify.annotations.NullMarked;
