/**
 * Keys and values of past tokens in fixed blocks, shared between sequences by reference count.
 *
 * <p>It may not compute attention and knows nothing of requests.
 */
@NullMarked
package dev.flywheel.engine.kv;

import org.jspecify.annotations.NullMarked;
