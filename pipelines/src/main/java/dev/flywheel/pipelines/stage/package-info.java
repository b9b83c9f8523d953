/**
 * The keyed stages around the pure code: attribution and guard. They hold state and timers, and decide nothing.
 */
@NullMarked
package dev.flywheel.pipelines.stage;

import org.jspecify.annotations.NullMarked;
