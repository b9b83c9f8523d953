/**
 * Thin clients of our own servers: transport, chunking and digests checked, no policy.
 *
 * <p>They retry nothing but a watch, and keep no state besides their channel. No call blocks without a deadline.
 */
@NullMarked
package dev.flywheel.api.client;

import org.jspecify.annotations.NullMarked;
