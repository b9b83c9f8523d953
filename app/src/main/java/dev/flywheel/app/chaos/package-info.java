/** Kills, freezes and starves a running cluster by seed, and judges afterwards whether its promises held. */
@NullMarked
package dev.flywheel.app.chaos;

import org.jspecify.annotations.NullMarked;
