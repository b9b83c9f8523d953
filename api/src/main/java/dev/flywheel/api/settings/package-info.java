/**
 * What the contract says of an adapter's settings, as data: which loss fits which signal, and how settings are named and
 * written.
 *
 * <p>It decides nothing: who takes settings in refuses what does not stand here.
 */
@NullMarked
package dev.flywheel.api.settings;

import org.jspecify.annotations.NullMarked;
