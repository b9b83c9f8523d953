/**
 * LoRA weights as plain numbers: configuration, pairs of matrices, optimizer state, their bytes.
 *
 * <p>It may not touch a file or a device; bytes come in and go out as arrays.
 */
@NullMarked
package dev.flywheel.adapters.lora;

import org.jspecify.annotations.NullMarked;
