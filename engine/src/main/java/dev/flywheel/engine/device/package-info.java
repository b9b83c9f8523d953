/**
 * A device: which backend drives it, and whose turn it is on it.
 *
 * <p>May use {@code backend} and its implementations. It knows no models and decides nothing about
 * what is worth running: it only orders what it is handed.
 */
@NullMarked
package dev.flywheel.engine.device;

import org.jspecify.annotations.NullMarked;
