/**
 * Making adapters: their start weights, their settings, and the store's records of both.
 *
 * <p>May not train.
 */
@NullMarked
package dev.flywheel.trainer.adapter;

import org.jspecify.annotations.NullMarked;
