/**
 * What an adapter is: ids, digests, LoRA weights, safetensors, PEFT folders.
 *
 * <p>It may not depend on any other module, open a socket, or read a clock.
 * It may not trust a file: every header is validated before a byte of weights is believed.
 */
@NullMarked
package dev.flywheel.adapters;

import org.jspecify.annotations.NullMarked;
