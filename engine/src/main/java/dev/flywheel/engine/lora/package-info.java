/**
 * Adapters on the device: fixed slots for serving many at once.
 *
 * <p>It may not decide which adapter serves a request.
 */
@NullMarked
package dev.flywheel.engine.lora;

import org.jspecify.annotations.NullMarked;
