/**
 * Names and digests: how an adapter and its bytes are told apart.
 *
 * <p>It may not know what an adapter holds. A name is never a path.
 */
@NullMarked
package dev.flywheel.adapters.identity;

import org.jspecify.annotations.NullMarked;
