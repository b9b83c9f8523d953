/**
 * Follows what becomes of feedback, as an outside client of the registry.
 *
 * <p>Shared by demo and replay; may not reach into the node.
 */
@NullMarked
package dev.flywheel.app.follow;

import org.jspecify.annotations.NullMarked;
