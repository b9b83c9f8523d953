/**
 * What a device can do: the closed list of kernels that model families are written over.
 *
 * <p>Only {@link dev.flywheel.engine.device.Backends} names the implementations, which never see
 * each other; the reference judges the fast ones, kernel by kernel.
 */
@NullMarked
package dev.flywheel.engine.backend;

import org.jspecify.annotations.NullMarked;
