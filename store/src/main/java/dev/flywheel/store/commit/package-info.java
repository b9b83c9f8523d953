/**
 * Carries commands out, one after the other: decide, append, sync, publish, acknowledge.
 *
 * <p>One thread owns the log. It may not decide anything itself, and may not acknowledge or publish what is not durable.
 */
@NullMarked
package dev.flywheel.store.commit;

import org.jspecify.annotations.NullMarked;
