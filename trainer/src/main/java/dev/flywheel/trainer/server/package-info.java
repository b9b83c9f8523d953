/**
 * The trainer as a server: manifests in, candidates out.
 *
 * <p>Reaches the store through {@code api} alone and keeps no state but caches: any trainer can run
 * any round. It may not decide what a round computes.
 */
@NullMarked
package dev.flywheel.trainer.server;

import org.jspecify.annotations.NullMarked;
