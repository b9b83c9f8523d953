/**
 * Thin clients of our own servers: transport, chunking and digests checked, no policy.
 *
 * <p>They retry nothing and keep no state besides their channel.
 */
@NullMarked
package dev.flywheel.api.client;

import org.jspecify.annotations.NullMarked;
