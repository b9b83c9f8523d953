/**
 * Versions of adapters on this node: verified, staged, leased, swapped.
 *
 * <p>It may not know a transport: what the store says comes in through {@link dev.flywheel.serving.adapter.VersionSource}
 * and the events of {@link dev.flywheel.serving.adapter.ServedVersions}.
 */
@NullMarked
package dev.flywheel.serving.adapter;

import org.jspecify.annotations.NullMarked;
